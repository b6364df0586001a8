// Package plugin trims text and replaces every run of (ASCII) white space with
// one space.
package plugin

import (
	"strconv"
	"strings"

	// Generated from the WIT by `kumiki build`.
	host "wit_component/myapp_text_processor_host_api"
	types "wit_component/myapp_text_processor_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Result is the result of Process: a value or an error of the contract.
type Result = wit.Result[types.ProcessResult, types.ProcessError]

func ok(value types.ProcessResult) Result {
	return wit.Ok[types.ProcessResult, types.ProcessError](value)
}

func fail(reason types.ProcessError) Result {
	return wit.Err[types.ProcessResult](reason)
}

// GetName returns the plugin's name.
func GetName() string { return "{{name}}" }

// GetVersion returns the plugin's version.
func GetVersion() string { return "0.1.0" }

// Process tidies a text.
func Process(input string) Result {
	words := strings.FieldsFunc(input, isSpace)
	if len(words) == 0 {
		// Return an error to the caller; a panic would end the instance.
		return fail(types.ProcessErrorInvalidInput)
	}
	count := strconv.Itoa(len(words))
	host.Log(host.LogLevelDebug, count+" words")
	return ok(types.ProcessResult{
		Output:   strings.Join(words, " "),
		Metadata: []types.KeyValue{{Key: "words", Value: count}},
	})
}

// ProcessBatch processes many records in one call, which is faster.
func ProcessBatch(inputs []string) []Result {
	results := make([]Result, len(inputs))
	for index, input := range inputs {
		results[index] = Process(input)
	}
	return results
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\f' || r == '\r'
}
