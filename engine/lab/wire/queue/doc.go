// Package queue holds what is on its way over a wire: [Delay] until it is due, and
// [Rate] until the wire has room for it. It knows no clock; times are nanoseconds
// since 1970.
package queue
