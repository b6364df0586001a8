package wit_types

import (
	"runtime"
	"unsafe"

	witAsync "go.bytecodealliance.org/pkg/wit/async"
	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
)

// StreamVtable has the functions of a type of streams; the bindings make it.
type StreamVtable[T any] struct {
	Size         uint32
	Align        uint32
	Read         func(handle int32, items unsafe.Pointer, length uint32) uint32
	Write        func(handle int32, items unsafe.Pointer, length uint32) uint32
	CancelRead   func(handle int32) uint32
	CancelWrite  func(handle int32) uint32
	DropReadable func(handle int32)
	DropWritable func(handle int32)
	Lift         func(from unsafe.Pointer) T
	Lower        func(pinner *runtime.Pinner, value T, to unsafe.Pointer) func()
}

// StreamReader is the end of a stream that is read. It must be dropped.
type StreamReader[T any] struct {
	vtable        *StreamVtable[T]
	handle        *witRuntime.Handle
	writerDropped bool
}

// MakeStreamReader takes ownership of a handle.
func MakeStreamReader[T any](vtable *StreamVtable[T], handle int32) *StreamReader[T] {
	return &StreamReader[T]{vtable: vtable, handle: witRuntime.MakeHandle(handle)}
}

// WriterDropped reports whether the stream has ended.
func (r *StreamReader[T]) WriterDropped() bool { return r.writerDropped }

// Read waits until there are items, and returns how many were read; zero at the end.
// Items that were read last may come with the end.
func (r *StreamReader[T]) Read(items []T) uint32 {
	if len(items) == 0 || r.writerDropped {
		return 0
	}
	handle := r.handle.Use()
	var pinner runtime.Pinner
	defer pinner.Unpin()
	buffer := unsafe.Pointer(unsafe.SliceData(items))
	if r.vtable.Lift == nil {
		pinner.Pin(buffer)
	} else {
		size := uintptr(r.vtable.Size) * uintptr(len(items))
		buffer = witRuntime.Allocate(&pinner, size, uintptr(r.vtable.Align))
	}
	code, count := witAsync.FutureOrStreamWait(
		r.vtable.Read(handle, buffer, uint32(len(items))), handle)
	r.writerDropped = code == witAsync.RETURN_CODE_DROPPED
	if r.vtable.Lift != nil {
		for index := range items[:count] {
			items[index] = r.vtable.Lift(unsafe.Add(buffer, index*int(r.vtable.Size)))
		}
	}
	return count
}

// Drop says that the rest of the stream is not needed.
func (r *StreamReader[T]) Drop() {
	if handle := r.handle.TakeOrNil(); handle != 0 {
		r.vtable.DropReadable(handle)
	}
}

// TakeHandle gives up ownership of the handle.
func (r *StreamReader[T]) TakeHandle() int32 { return r.handle.Take() }

// SetHandle returns ownership of a handle.
func (r *StreamReader[T]) SetHandle(handle int32) { r.handle.Set(handle) }

// StreamWriter is the end of a stream that is written. Dropping it ends the stream.
type StreamWriter[T any] struct {
	vtable        *StreamVtable[T]
	handle        *witRuntime.Handle
	readerDropped bool
}

// MakeStreamWriter takes ownership of a handle.
func MakeStreamWriter[T any](vtable *StreamVtable[T], handle int32) *StreamWriter[T] {
	return &StreamWriter[T]{vtable: vtable, handle: witRuntime.MakeHandle(handle)}
}

// ReaderDropped reports whether nobody reads any more.
func (w *StreamWriter[T]) ReaderDropped() bool { return w.readerDropped }

// Write waits until items are read, and returns how many.
func (w *StreamWriter[T]) Write(items []T) uint32 {
	// Without items, it would wait for a reader.
	if len(items) == 0 || w.readerDropped {
		return 0
	}
	handle := w.handle.Use()
	var pinner runtime.Pinner
	defer pinner.Unpin()
	buffer := unsafe.Pointer(unsafe.SliceData(items))
	var undo []func()
	if w.vtable.Lower == nil {
		pinner.Pin(buffer)
	} else {
		size := uintptr(w.vtable.Size) * uintptr(len(items))
		buffer = witRuntime.Allocate(&pinner, size, uintptr(w.vtable.Align))
		for index, item := range items {
			to := unsafe.Add(buffer, index*int(w.vtable.Size))
			undo = append(undo, w.vtable.Lower(&pinner, item, to))
		}
	}
	code, count := witAsync.FutureOrStreamWait(
		w.vtable.Write(handle, buffer, uint32(len(items))), handle)
	w.readerDropped = code == witAsync.RETURN_CODE_DROPPED
	for index := int(count); index < len(undo); index++ {
		undo[index]()
	}
	return count
}

// WriteAll writes until all items are read, or nobody reads any more. It returns how many
// were read.
func (w *StreamWriter[T]) WriteAll(items []T) uint32 {
	written := uint32(0)
	for int(written) < len(items) && !w.readerDropped {
		written += w.Write(items[written:])
	}
	return written
}

// Drop ends the stream.
func (w *StreamWriter[T]) Drop() {
	if handle := w.handle.TakeOrNil(); handle != 0 {
		w.vtable.DropWritable(handle)
	}
}
