package pack

import "encoding/json"

// members calls each with the members of an object, whose JSON has no space between; false
// if it is not such.
func members(object []byte, each func(key string, value []byte)) bool {
	n := len(object)
	if n < 2 || object[0] != '{' || object[n-1] != '}' {
		return false
	}
	for rest := object[1 : n-1]; len(rest) > 0; {
		k := valueEnd(rest)
		if k < 2 || rest[0] != '"' || k >= len(rest) || rest[k] != ':' {
			return false
		}
		key := string(rest[1 : k-1])
		rest = rest[k+1:]
		v := valueEnd(rest)
		if v <= 0 {
			return false
		}
		each(key, rest[:v])
		if rest = rest[v:]; len(rest) > 0 {
			if rest = rest[1:]; len(rest) == 0 {
				return false
			}
		}
	}
	return json.Valid(object)
}

// valueEnd is where the value ends that b begins with: before a comma or a colon that is not
// inside of it.
func valueEnd(b []byte) int {
	deep := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if i >= len(b) {
				return -1
			}
		case '{', '[':
			deep++
		case '}', ']':
			deep--
		case ',', ':':
			if deep == 0 {
				return i
			}
		}
		if deep < 0 {
			return -1
		}
	}
	return len(b)
}
