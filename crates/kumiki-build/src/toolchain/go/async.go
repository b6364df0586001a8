// Package async runs asynchronous functions of the component model.
//
// It replaces the published module of the same path, which needs a patched Go. Where a
// function has to wait, the whole instance waits, with all of its goroutines.
package async

import "unsafe"

// Results of a read or write.
const (
	RETURN_CODE_BLOCKED   uint32 = 0xFFFFFFFF
	RETURN_CODE_COMPLETED uint32 = 0
	RETURN_CODE_DROPPED   uint32 = 1
)

const (
	statusReturned = 2
	exit           = 0
)

// What goes on after the exported function has returned its result.
var deferred []func()

// Go runs a function after the exported function has returned its result, such as one
// that writes a stream that was returned.
func Go(function func()) { deferred = append(deferred, function) }

// Run runs an exported function, and what it left to do with Go.
func Run(exported func()) uint32 {
	exported()
	for len(deferred) > 0 {
		function := deferred[0]
		deferred = deferred[1:]
		function()
	}
	return exit
}

// Callback is not called, because Run returns only at the end.
func Callback(event0, event1, event2 uint32) uint32 { panic("an unexpected event") }

// Yield does nothing.
func Yield() {}

// SubtaskWait waits for the end of an imported function.
func SubtaskWait(status uint32) {
	subtask := status >> 4
	for status &= 0xF; status != statusReturned; {
		status = wait(subtask)
	}
	if subtask != 0 {
		subtaskDrop(subtask)
	}
}

// FutureOrStreamWait waits for the end of a read or write, and returns its result and the
// number of items.
func FutureOrStreamWait(code uint32, handle int32) (uint32, uint32) {
	if code == RETURN_CODE_BLOCKED {
		code = wait(uint32(handle))
	}
	return code & 0xF, code >> 4
}

func wait(waitable uint32) uint32 {
	set := waitableSetNew()
	waitableJoin(waitable, set)
	var event [2]uint32
	waitableSetWait(set, unsafe.Pointer(&event))
	waitableJoin(waitable, 0)
	waitableSetDrop(set)
	return event[1]
}

//go:wasmimport $root [waitable-set-new]
//go:noescape
func waitableSetNew() uint32

//go:wasmimport $root [waitable-set-wait]
//go:noescape
func waitableSetWait(set uint32, event unsafe.Pointer) uint32

//go:wasmimport $root [waitable-set-drop]
//go:noescape
func waitableSetDrop(set uint32)

//go:wasmimport $root [waitable-join]
//go:noescape
func waitableJoin(waitable, set uint32)

//go:wasmimport $root [subtask-drop]
//go:noescape
func subtaskDrop(subtask uint32)
