// Package plugin is the language matrix's guest in Go; guests/README.md lists
// its commands.
package plugin

import (
	"strconv"
	"strings"

	host "wit_component/myapp_text_processor_host_api"
	types "wit_component/myapp_text_processor_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Answer is what Process gives.
type Answer = wit.Result[types.ProcessResult, types.ProcessError]

var processErrors = map[string]types.ProcessError{
	"invalid-input":      types.ProcessErrorInvalidInput,
	"unsupported-format": types.ProcessErrorUnsupportedFormat,
	"internal-error":     types.ProcessErrorInternalError,
}

var levels = map[string]host.LogLevel{
	"debug": host.LogLevelDebug,
	"info":  host.LogLevelInfo,
	"warn":  host.LogLevelWarn,
	"error": host.LogLevelError,
}

// GetName gives the plugin's name.
func GetName() string { return "matrix" }

// GetVersion gives the plugin's version.
func GetVersion() string { return "0.1.0" }

// Process obeys the command that the input is.
func Process(input string) Answer {
	command, rest, _ := strings.Cut(input, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch command {
	case "echo":
		return output(rest)
	case "upper":
		return output(strings.ToUpper(rest))
	case "error":
		if kind, known := processErrors[rest]; known {
			return wit.Err[types.ProcessResult](kind)
		}
	case "log":
		if level, known := levels[first]; known {
			host.Log(level, second)
			return output("")
		}
	case "config":
		if value := host.GetConfig(rest); value.IsSome() {
			return output(value.Some())
		}
		return metadata(types.KeyValue{Key: "absent", Value: rest})
	case "metadata":
		return metadata(entries(number(rest))...)
	case "repeat":
		return output(strings.Repeat(second, number(first)))
	case "trap":
		panic("on purpose")
	}
	// No right answer of any command.
	return metadata(types.KeyValue{Key: "unknown", Value: input})
}

// ProcessBatch is how the host gives many commands in one call.
func ProcessBatch(inputs []string) []Answer {
	results := make([]Answer, len(inputs))
	for index, input := range inputs {
		results[index] = Process(input)
	}
	return results
}

func output(text string) Answer {
	return wit.Ok[types.ProcessResult, types.ProcessError](types.ProcessResult{Output: text})
}

func metadata(entries ...types.KeyValue) Answer {
	return wit.Ok[types.ProcessResult, types.ProcessError](types.ProcessResult{Metadata: entries})
}

func entries(count int) []types.KeyValue {
	made := make([]types.KeyValue, count)
	for index := range made {
		digits := strconv.Itoa(index)
		made[index] = types.KeyValue{Key: "鍵-" + digits, Value: digits + " 😀"}
	}
	return made
}

func number(digits string) int {
	value, err := strconv.Atoi(digits)
	if err != nil {
		panic(err)
	}
	return value
}
