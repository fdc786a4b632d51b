// Package lualib carries the Lua modules that come with netrepro.
package lualib

import "embed"

// Files holds NAME.lua for every module NAME.
//
//go:embed *.lua
var Files embed.FS
