package tcpdump

// IsService reports whether a word is what programs print for a port.
func IsService(word string) bool {
	_, ok := services[word]
	return ok
}
