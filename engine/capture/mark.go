package capture

// What comments of frames begin with that the engine writes and reads back.
const (
	// CommentDropped is of a frame that the engine dropped, CommentFault of one
	// that it did something else to.
	CommentDropped = "dropped: "
	CommentFault   = "fault: "
	// CommentKernelDrop is of a frame that the kernel of the node threw away:
	// reason and function.
	CommentKernelDrop = "dropped by the kernel: "
	// CommentTimer is of a segment that was sent again: the kernel's function
	// that did so.
	CommentTimer = "kernel timer: "
	// CommentOriginal is of a segment that was sent again: what it repeats arrived later.
	CommentOriginal = "original: "
	arrived         = "arrived"
	// CommentConntrack is of a packet of a node that tracks connections: what state its
	// connection was in there once it had come.
	CommentConntrack = "conntrack: "
	// CommentReset is of a reset: what the kernel of its sender said of it, as
	// JSON, or CommentNotSent.
	CommentReset   = "kernel reset: "
	CommentNotSent = "not sent by this node's TCP"
)
