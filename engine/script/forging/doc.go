// Package forging is what scripts make packets of: the options that say what a
// packet has, and the settings that change header fields. Boxes and injected
// packets share them.
package forging
