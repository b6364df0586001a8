// Package plugin tidies texts: it trims each line, replaces every run of (ASCII)
// white space with one space, and leaves out blank lines.
package plugin

import (
	"bufio"
	"errors"
	"io"
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

// Process processes one record.
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

// transform transforms a whole text of any length. To report an error of the
// contract, return failure(types.ProcessError…).
func transform(input io.Reader, output io.Writer) error {
	lines := bufio.NewReaderSize(input, chunk)
	tidied := bufio.NewWriterSize(output, chunk)
	for {
		line, err := lines.ReadString('\n')
		if words := strings.FieldsFunc(line, isSpace); len(words) > 0 {
			tidied.WriteString(strings.Join(words, " "))
			tidied.WriteByte('\n')
		}
		if errors.Is(err, io.EOF) {
			return tidied.Flush()
		}
		// Do not wait for more input while there is output.
		if lines.Buffered() == 0 {
			if err := tidied.Flush(); err != nil {
				return err
			}
		}
	}
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\f' || r == '\r'
}
