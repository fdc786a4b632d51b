// Package endpoint is what the verbs of sockets and those of HTTP share: whom to
// connect to and how, the options of sockets, connections as scripts see them, and
// how something ended.
package endpoint
