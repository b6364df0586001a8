package wit_types

import (
	"runtime"
	"unsafe"

	witAsync "go.bytecodealliance.org/pkg/wit/async"
	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
)

// FutureVtable has the functions of a type of futures; the bindings make it.
type FutureVtable[T any] struct {
	Size         uint32
	Align        uint32
	Read         func(handle int32, item unsafe.Pointer) uint32
	Write        func(handle int32, item unsafe.Pointer) uint32
	CancelRead   func(handle int32) uint32
	CancelWrite  func(handle int32) uint32
	DropReadable func(handle int32)
	DropWritable func(handle int32)
	Lift         func(from unsafe.Pointer) T
	Lower        func(pinner *runtime.Pinner, value T, to unsafe.Pointer) func()
}

// FutureReader is the end of a future that is read, at most once.
type FutureReader[T any] struct {
	vtable *FutureVtable[T]
	handle *witRuntime.Handle
}

// MakeFutureReader takes ownership of a handle.
func MakeFutureReader[T any](vtable *FutureVtable[T], handle int32) *FutureReader[T] {
	return &FutureReader[T]{vtable, witRuntime.MakeHandle(handle)}
}

// Read waits for the value. It panics when called again.
func (r *FutureReader[T]) Read() T {
	handle := r.handle.Take()
	defer r.vtable.DropReadable(handle)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	buffer := witRuntime.Allocate(&pinner, uintptr(r.vtable.Size), uintptr(r.vtable.Align))
	code, _ := witAsync.FutureOrStreamWait(r.vtable.Read(handle, buffer), handle)
	if code != witAsync.RETURN_CODE_COMPLETED {
		panic("the future has no value")
	}
	if r.vtable.Lift != nil {
		return r.vtable.Lift(buffer)
	}
	return *(*T)(buffer)
}

// Drop says that the value is not needed.
func (r *FutureReader[T]) Drop() {
	if handle := r.handle.TakeOrNil(); handle != 0 {
		r.vtable.DropReadable(handle)
	}
}

// TakeHandle gives up ownership of the handle.
func (r *FutureReader[T]) TakeHandle() int32 { return r.handle.Take() }

// SetHandle returns ownership of a handle.
func (r *FutureReader[T]) SetHandle(handle int32) { r.handle.Set(handle) }

// FutureWriter is the end of a future that is written, once.
type FutureWriter[T any] struct {
	vtable *FutureVtable[T]
	handle *witRuntime.Handle
}

// MakeFutureWriter takes ownership of a handle.
func MakeFutureWriter[T any](vtable *FutureVtable[T], handle int32) *FutureWriter[T] {
	return &FutureWriter[T]{vtable, witRuntime.MakeHandle(handle)}
}

// Write waits until the value is read, and reports whether it was. It panics when called
// again.
func (w *FutureWriter[T]) Write(value T) bool {
	handle := w.handle.Take()
	defer w.vtable.DropWritable(handle)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var undo func()
	buffer := unsafe.Pointer(&value)
	if w.vtable.Lower == nil {
		pinner.Pin(buffer)
	} else {
		buffer = witRuntime.Allocate(&pinner, uintptr(w.vtable.Size), uintptr(w.vtable.Align))
		undo = w.vtable.Lower(&pinner, value, buffer)
	}
	code, _ := witAsync.FutureOrStreamWait(w.vtable.Write(handle, buffer), handle)
	wasRead := code == witAsync.RETURN_CODE_COMPLETED
	if !wasRead && undo != nil {
		undo()
	}
	return wasRead
}

// Drop ends the future; its other end must not be read any more.
func (w *FutureWriter[T]) Drop() {
	if handle := w.handle.TakeOrNil(); handle != 0 {
		w.vtable.DropWritable(handle)
	}
}
