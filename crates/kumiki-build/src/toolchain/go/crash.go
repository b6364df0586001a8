package main

import (
	"unicode/utf8"
	"unsafe"
)

// What the Go runtime prints when it ends the program: a panic of another
// goroutine, a deadlock and other errors that cannot be recovered from. It goes
// to a file, which a plugin without WASI does not have, so it is logged line by
// line.

//go:linkname overrideWrite runtime.overrideWrite
var overrideWrite func(fd uintptr, text unsafe.Pointer, length int32) int32

//go:linkname write1 runtime.write1
//go:noescape
func write1(fd uintptr, text unsafe.Pointer, length int32) int32

//go:wasmimport {{interface}} log
//go:noescape
func logRaw(level int32, text unsafe.Pointer, length int32)

const (
	errorLevel = {{level}}
	mostLines  = 32
)

var (
	// A panic that is already logged, or as many lines as may be.
	isQuiet bool
	// The program is about to end.
	isCrash bool
	lines   int
	line    [256]byte
	length  int
)

func init() { overrideWrite = writeCrash }

// The runtime may call this while no memory can be allocated.
func writeCrash(fd uintptr, text unsafe.Pointer, size int32) int32 {
	bytes := unsafe.Slice((*byte)(text), size)
	isCrash = isCrash || fd == 2 && (begins(bytes, "panic: ") || begins(bytes, "fatal error: "))
	if !isCrash {
		return write1(fd, text, size)
	}
	for _, b := range bytes {
		if b == '\n' {
			logLine()
		} else if length < len(line) {
			line[length] = b
			length++
		}
	}
	return size
}

func begins(text []byte, with string) bool {
	return len(text) >= len(with) && string(text[:len(with)]) == with
}

func logLine() {
	// The host refuses text that is not UTF-8.
	for at := 0; at < length; {
		r, size := utf8.DecodeRune(line[at:length])
		if r == utf8.RuneError && size == 1 {
			line[at] = '?'
		}
		at += size
	}
	if length > 0 && lines < mostLines && !isQuiet {
		logRaw(errorLevel, unsafe.Pointer(&line), int32(length))
		lines++
	}
	length = 0
}
