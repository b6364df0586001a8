// Package runtime manages memory and handles for the generated bindings.
//
// It replaces the published module of the same path, so that building a plugin
// needs no network and the plugin is smaller.
package runtime

import (
	"runtime"
	"unsafe"
)

// Pins the arguments that the host wrote for a call until the bindings have
// taken them over.
var arguments runtime.Pinner

// Unpin releases the arguments of a call, which the bindings now hold.
func Unpin() { arguments.Unpin() }

// Allocate returns memory that does not move until the pinner is unpinned.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	var memory unsafe.Pointer
	if align == 1 {
		memory = unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
	} else {
		// No type is aligned to more than eight bytes.
		memory = unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	}
	pinner.Pin(memory)
	return memory
}

// Called only by the host, and only for new memory.
//
//go:wasmexport cabi_realloc
func reallocate(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("cabi_realloc cannot resize memory")
	}
	if !ready {
		return early(size, align)
	}
	return Allocate(&arguments, size, align)
}

// Whether Go's runtime has started. The WASI adapter allocates its page of
// memory before that.
var ready bool

func init() { ready = true }

// Moves the end of the heap. Allocates memory without Go's runtime; must not be
// called after the runtime has started.
//
//go:linkname sbrk runtime.sbrk
func sbrk(size uintptr) unsafe.Pointer

func early(size, align uintptr) unsafe.Pointer {
	start := uintptr(sbrk(size + align))
	return unsafe.Pointer((start + align - 1) &^ (align - 1))
}

// Handle is the index of a resource in the host's table, or zero for none.
type Handle struct{ value int32 }

// MakeHandle takes ownership of an index.
func MakeHandle(value int32) *Handle {
	if value == 0 {
		panic("nil handle")
	}
	return &Handle{value}
}

// Use returns the index and keeps ownership.
func (h *Handle) Use() int32 {
	if h.value == 0 {
		panic("nil handle")
	}
	return h.value
}

// Take returns the index and gives up ownership.
func (h *Handle) Take() int32 {
	value := h.Use()
	h.value = 0
	return value
}

// TakeOrNil returns the index, or zero, and gives up ownership.
func (h *Handle) TakeOrNil() int32 {
	value := h.value
	h.value = 0
	return value
}

// Set stores an index in an empty handle.
func (h *Handle) Set(value int32) {
	if value == 0 {
		panic("nil handle")
	}
	if h.value != 0 {
		panic("handle already set")
	}
	h.value = value
}
