package plugin

import (
	"errors"
	"io"

	// Generated from the WIT by `kumiki build`.
	host "wit_component/myapp_text_processor_host_api"
	streaming "wit_component/myapp_text_processor_streaming"
	types "wit_component/myapp_text_processor_types"

	"go.bytecodealliance.org/pkg/wit/async"
	wit "go.bytecodealliance.org/pkg/wit/types"
)

// chunk is a good size for reads and writes, in bytes.
const chunk = 64 * 1024

// Outcome is how the transformation of a text went.
type Outcome = wit.Result[wit.Unit, types.ProcessError]

// Transform calls transform: it returns the output at once, and goes on.
func Transform(input *wit.StreamReader[uint8]) (*wit.StreamReader[uint8], *wit.FutureReader[Outcome]) {
	writer, output := streaming.MakeStreamU8()
	end, outcome := streaming.MakeFutureResultUnitMyappTextProcessorTypesProcessError()
	async.Go(func() {
		err := transform(source{input}, sink{writer})
		input.Drop()
		writer.Drop()
		end.Write(outcomeOf(err))
	})
	return output, outcome
}

func outcomeOf(err error) Outcome {
	var failed failure
	switch {
	// If nobody reads the output any more, that is no error of this plugin.
	case err == nil, errors.Is(err, io.ErrClosedPipe):
		return wit.Ok[wit.Unit, types.ProcessError](wit.Unit{})
	case errors.As(err, &failed):
		return wit.Err[wit.Unit](types.ProcessError(failed))
	}
	host.Log(host.LogLevelError, err.Error())
	return wit.Err[wit.Unit](types.ProcessErrorInternalError)
}

// failure is an error of the contract.
type failure types.ProcessError

func (failure) Error() string { return "the text cannot be transformed" }

// source reads a stream. A chunk may end within a character or a line.
type source struct{ stream *wit.StreamReader[uint8] }

func (s source) Read(bytes []byte) (int, error) {
	count := s.stream.Read(bytes)
	if count == 0 && s.stream.WriterDropped() {
		return 0, io.EOF
	}
	return int(count), nil
}

// sink writes a stream. If nobody reads any more, the error is io.ErrClosedPipe.
type sink struct{ stream *wit.StreamWriter[uint8] }

func (s sink) Write(bytes []byte) (int, error) {
	written := int(s.stream.WriteAll(bytes))
	if written < len(bytes) {
		return written, io.ErrClosedPipe
	}
	return written, nil
}
