// Package plugin is the guest in Go of the language matrix of streams;
// guests/README.md lists its modes.
package plugin

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	host "wit_component/myapp_text_processor_host_api"
	streaming "wit_component/myapp_text_processor_streaming"
	types "wit_component/myapp_text_processor_types"

	"go.bytecodealliance.org/pkg/wit/async"
	wit "go.bytecodealliance.org/pkg/wit/types"
)

const chunk = 64 * 1024

type (
	reader  = wit.StreamReader[uint8]
	writer  = wit.StreamWriter[uint8]
	outcome = wit.Result[wit.Unit, types.ProcessError]
)

// GetName gives the plugin's name.
func GetName() string { return "stream" }

// GetVersion gives the plugin's version.
func GetVersion() string { return "0.1.0" }

// Process upper-cases a record.
func Process(input string) wit.Result[types.ProcessResult, types.ProcessError] {
	return wit.Ok[types.ProcessResult, types.ProcessError](
		types.ProcessResult{Output: strings.ToUpper(input)})
}

// Transform obeys the mode.
func Transform(input *reader) (*reader, *wit.FutureReader[outcome]) {
	output, returned := streaming.MakeStreamU8()
	end, reported := streaming.MakeFutureResultUnitMyappTextProcessorTypesProcessError()
	async.Go(func() {
		result := obey(host.GetConfig("mode").SomeOr(""), input, output)
		input.Drop()
		output.Drop()
		end.Write(result)
	})
	return returned, reported
}

func obey(mode string, input *reader, output *writer) outcome {
	switch mode {
	case "pass":
		forEach(input, output, func(part []byte, _ bool) ([]byte, []byte) { return part, nil })
	case "", "upper":
		forEach(input, output, upper)
	case "lines":
		number := 0
		forEach(input, output, func(part []byte, isLast bool) ([]byte, []byte) {
			return lines(part, isLast, &number)
		})
	case "error first":
		return failed()
	case "error later":
		output.WriteAll([]byte("some"))
		return failed()
	case "first word":
		output.WriteAll([]byte("word"))
	case "endless":
		words := []byte(strings.Repeat("endless ", 8192))
		for !output.ReaderDropped() {
			output.WriteAll(words)
		}
	case "trap later":
		output.WriteAll([]byte("some"))
		panic("on purpose")
	default:
		panic("no such mode: " + mode)
	}
	return wit.Ok[wit.Unit, types.ProcessError](wit.Unit{})
}

func failed() outcome {
	return wit.Err[wit.Unit](types.ProcessErrorUnsupportedFormat)
}

// forEach writes what a function makes of each chunk. What it gives back second comes
// again before the next chunk.
func forEach(input *reader, output *writer, f func(part []byte, isLast bool) (done, rest []byte)) {
	buffer := make([]byte, chunk)
	var part []byte
	for !input.WriterDropped() && !output.ReaderDropped() {
		part = append(part, buffer[:input.Read(buffer)]...)
		done, rest := f(part, input.WriterDropped())
		output.WriteAll(done)
		part = append(part[:0], rest...)
	}
}

func upper(part []byte, isLast bool) ([]byte, []byte) {
	end := len(part)
	for back := 1; back < utf8.UTFMax && back <= end && !isLast; back++ {
		if start := part[end-back:]; utf8.RuneStart(start[0]) {
			if !utf8.FullRune(start) {
				end -= back
			}
			break
		}
	}
	return bytes.ToUpper(part[:end]), part[end:]
}

func lines(part []byte, isLast bool, number *int) ([]byte, []byte) {
	var numbered []byte
	for len(part) > 0 {
		end := bytes.IndexByte(part, '\n') + 1
		if end == 0 {
			if !isLast {
				break
			}
			end = len(part)
		}
		*number++
		numbered = append(strconv.AppendInt(numbered, int64(*number), 10), ' ')
		numbered = append(numbered, part[:end]...)
		part = part[end:]
	}
	return numbered, part
}
