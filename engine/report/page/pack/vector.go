package pack

import (
	"encoding/binary"
	"math"
	"slices"
)

// null is a number that is none.
const null = math.MinInt64

// vector is numbers, one after the other. As long as all are the same it holds but one.
type vector struct {
	n    int
	last int64
	all  []int64 // nil while all are last
}

// scale multiplies all numbers, if none becomes too large.
func (v *vector) scale(by int64) bool {
	if lo, hi, _ := bounds(v.n, v.at); v.n > 0 && (lo < -mostOf/by || hi > mostOf/by) {
		return false
	}
	if v.last != null {
		v.last *= by
	}
	for i, x := range v.all {
		if x != null {
			v.all[i] = x * by
		}
	}
	return true
}

func (v *vector) push(x int64) {
	if v.all == nil && v.n > 0 && x != v.last {
		v.all = slices.Repeat([]int64{v.last}, v.n)
	}
	if v.all != nil {
		v.all = append(v.all, x)
	}
	v.last = x
	v.n++
}

func (v *vector) at(i int) int64 {
	if v.all == nil {
		return v.last
	}
	return v.all[i]
}

// bounds are the least and the most of numbers, and whether any is null.
func bounds(n int, at func(int) int64) (lo, hi int64, nulls bool) {
	lo, hi = math.MaxInt64, math.MinInt64
	for i := range n {
		x := at(i)
		if x == null {
			nulls = true
			continue
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi, nulls
}

// widthOf is how many bytes a number up to most needs.
func widthOf(most int64) int {
	switch {
	case most == 0:
		return 0
	case most <= math.MaxUint8:
		return 1
	case most <= math.MaxUint16:
		return 2
	case most <= math.MaxUint32:
		return 4
	}
	return 8
}

// pack writes the numbers in the fewest bytes: as they are, or as steps.
func (v *vector) pack(w *Writer) Vector {
	out := Vector{Count: v.n}
	if v.n == 0 {
		return out
	}
	at := v.at
	lo, hi, nulls := bounds(v.n, at)
	if nulls {
		if out.Null = true; lo > hi { // all are null
			lo, hi = 0, 0
		}
		code := func(i int) int64 {
			if x := v.at(i); x != null {
				return x - lo + 1
			}
			return 0
		}
		out.Base = float64(lo)
		out.Width = max(widthOf(hi-lo+1), 1)
		out.At = w.add(write(v.n, out.Width, code))
		return out
	}
	out.Width, out.Base = widthOf(hi-lo), float64(lo)
	step := func(i int) int64 { return v.at(i+1) - v.at(i) }
	if slo, shi, _ := bounds(v.n-1, step); v.n > 1 && widthOf(shi-slo) < out.Width {
		out.Step, out.First = true, float64(v.at(0))
		out.Width, out.Base, lo = widthOf(shi-slo), float64(slo), slo
		at = func(i int) int64 {
			if i == 0 {
				return slo // nobody asks for it
			}
			return step(i - 1)
		}
	}
	if out.Width == 8 {
		out.Base, lo = 0, 0
	}
	if out.Width > 0 {
		out.At = w.add(write(v.n, out.Width, func(i int) int64 { return at(i) - lo }))
	}
	return out
}

// write writes numbers, the lowest byte first.
func write(n, width int, at func(int) int64) []byte {
	out := make([]byte, 0, n*width)
	for i := range n {
		x := at(i)
		switch width {
		case 1:
			out = append(out, byte(x))
		case 2:
			out = binary.LittleEndian.AppendUint16(out, uint16(x))
		case 4:
			out = binary.LittleEndian.AppendUint32(out, uint32(x))
		default:
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(float64(x)))
		}
	}
	return out
}
