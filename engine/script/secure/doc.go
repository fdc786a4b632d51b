// Package secure is what TLS needs in a case and several rooms of verbs share: the
// case's authority, the certificates that it signs, the log of keys, and the
// options that say so.
package secure
