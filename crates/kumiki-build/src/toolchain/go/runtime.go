// Package runtime is what the generated bindings need of memory and handles.
//
// It stands in for the module of the same path that the bindings' makers
// publish: no network is needed to build a plugin, and none of its weight.
package runtime

import (
	"runtime"
	"unsafe"
)

// Keeps what the host wrote for a call from the garbage collector until the
// bindings have taken it over.
var arguments runtime.Pinner

// Unpin lets go of the arguments of a call: the bindings hold them from here.
func Unpin() { arguments.Unpin() }

// Allocate gives memory that stays in its place until the pinner is unpinned.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	var memory unsafe.Pointer
	if align == 1 {
		memory = unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
	} else {
		// Eight bytes are the most that any type is aligned to.
		memory = unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	}
	pinner.Pin(memory)
	return memory
}

// Only the host calls it, and only for new memory.
//
//go:wasmexport cabi_realloc
func reallocate(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("memory cannot be made larger in place")
	}
	if !ready {
		return early(size, align)
	}
	return Allocate(&arguments, size, align)
}

// Whether Go's runtime has started. The adapter of WASI asks for its page of
// memory before that.
var ready bool

func init() { ready = true }

// Moves the end of the heap: before the runtime has started, and never again,
// this is how memory can be had without it.
//
//go:linkname sbrk runtime.sbrk
func sbrk(size uintptr) unsafe.Pointer

func early(size, align uintptr) unsafe.Pointer {
	start := uintptr(sbrk(size + align))
	return unsafe.Pointer((start + align - 1) &^ (align - 1))
}

// Handle is a resource's index in the host's table; zero is none.
type Handle struct{ value int32 }

// MakeHandle takes over an index.
func MakeHandle(value int32) *Handle {
	if value == 0 {
		panic("nil handle")
	}
	return &Handle{value}
}

// Use gives the index and keeps it.
func (h *Handle) Use() int32 {
	if h.value == 0 {
		panic("nil handle")
	}
	return h.value
}

// Take gives the index away.
func (h *Handle) Take() int32 {
	value := h.Use()
	h.value = 0
	return value
}

// TakeOrNil gives the index away, or zero.
func (h *Handle) TakeOrNil() int32 {
	value := h.value
	h.value = 0
	return value
}

// Set puts an index into a handle that is empty.
func (h *Handle) Set(value int32) {
	if value == 0 {
		panic("nil handle")
	}
	if h.value != 0 {
		panic("handle already set")
	}
	h.value = value
}
