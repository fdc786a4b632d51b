package capture

import "runtime/debug"

// memoryGoal is when the garbage collector begins to hurry: no capture is to take more
// than a quarter of a gigabyte.
const memoryGoal = 216 << 20

// LimitMemory has what is not used any more freed in time, whatever a capture asks for. What is
// in use is bounded by those who read captures. It is for the whole process.
func LimitMemory() { debug.SetMemoryLimit(memoryGoal) }
