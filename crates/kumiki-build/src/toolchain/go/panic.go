package main

import (
	"runtime"
	"strconv"
	"strings"

	host "{{package}}"
)

// Logs a panic before it ends the call as a trap, because a trap has no
// message.
func reportPanic() {
	if reason := recover(); reason != nil {
		host.Log(host.{{error}}, "panic: "+describe(reason)+authorsFrames())
		isQuiet = true
		panic(reason)
	}
}

// Does not use fmt, which would be a fifth of a small plugin.
func describe(reason any) string {
	switch reason := reason.(type) {
	case string:
		return reason
	case error:
		return reason.Error()
	case interface{ String() string }:
		return reason.String()
	}
	return "a value that cannot be printed"
}

func isInternal(function string) bool {
	// Exports have component model names, with a `#`.
	return function == "" || strings.Contains(function, "#") ||
		strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "main.")
}

// The stack of the panic, innermost call first, without frames of the runtime
// and the bindings.
func authorsFrames() string {
	var counters [32]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
	text := ""
	for {
		frame, more := frames.Next()
		if !isInternal(frame.Function) {
			text += "\n    at " + frame.Function + " (" + frame.File + ":" + strconv.Itoa(frame.Line) + ")"
		}
		if !more {
			return text
		}
	}
}
