package main

import (
	"runtime"
	"strconv"
	"strings"

	host "{{package}}"
)

// A panic ends the call as a trap, which alone would not say why: it is logged
// first.
func reportPanic() {
	if reason := recover(); reason != nil {
		host.Log(host.{{error}}, "panic: "+describe(reason)+authorsFrames())
		panic(reason)
	}
}

// Without fmt, which is a fifth of a small plugin.
func describe(reason any) string {
	switch reason := reason.(type) {
	case string:
		return reason
	case error:
		return reason.Error()
	case interface{ String() string }:
		return reason.String()
	}
	return "a value without a text"
}

func isOurs(function string) bool {
	// An export has the name that the component model gives it, with a `#`.
	return function == "" || strings.Contains(function, "#") ||
		strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "main.")
}

// The calls that led to the panic, innermost first, without the runtime's and
// the bindings' own.
func authorsFrames() string {
	var counters [32]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
	text := ""
	for {
		frame, more := frames.Next()
		if !isOurs(frame.Function) {
			text += "\n    at " + frame.Function + " (" + frame.File + ":" + strconv.Itoa(frame.Line) + ")"
		}
		if !more {
			return text
		}
	}
}
