// Package engine holds no code: it is the folder of all rooms of the program.
// README.md beside this file is the architecture on one page. It has the picture
// of the rooms, the path of a frame and of an option, and what each room may not
// know. Each room says in its own package comment what it is for.
package engine
