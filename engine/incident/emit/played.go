package emit

// played writes a scenario in which one side is played from the packets of the capture.
func (w *writer) played() {}
