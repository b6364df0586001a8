// Package wit_types defines the WIT types that Go lacks.
//
// It replaces the published module of the same path.
package wit_types

// Values of Option.Tag.
const (
	OptionNone = 0
	OptionSome = 1
)

// Option is a value that may be absent.
type Option[T any] struct {
	tag   uint8
	value T
}

// None returns an empty option.
func None[T any]() Option[T] { return Option[T]{} }

// Some returns an option with a value.
func Some[T any](value T) Option[T] { return Option[T]{OptionSome, value} }

// Tag returns OptionNone or OptionSome.
func (o Option[T]) Tag() uint8 { return o.tag }

// IsSome reports whether there is a value.
func (o Option[T]) IsSome() bool { return o.tag == OptionSome }

// IsNone reports whether there is no value.
func (o Option[T]) IsNone() bool { return o.tag == OptionNone }

// Some returns the value, and panics if there is none.
func (o Option[T]) Some() T {
	if o.tag != OptionSome {
		panic("the option is none")
	}
	return o.value
}

// SomeOr returns the value, or the argument if there is none.
func (o Option[T]) SomeOr(value T) T {
	if o.tag != OptionSome {
		return value
	}
	return o.value
}

// Values of Result.Tag.
const (
	ResultOk  = 0
	ResultErr = 1
)

// Result is a value or an error.
type Result[T any, E any] struct {
	tag uint8
	ok  T
	err E
}

// Ok returns a result with a value.
func Ok[T any, E any](value T) Result[T, E] { return Result[T, E]{tag: ResultOk, ok: value} }

// Err returns a result with an error.
func Err[T any, E any](value E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: value} }

// Tag returns ResultOk or ResultErr.
func (r Result[T, E]) Tag() uint8 { return r.tag }

// IsOk reports whether the result is a value.
func (r Result[T, E]) IsOk() bool { return r.tag == ResultOk }

// IsErr reports whether the result is an error.
func (r Result[T, E]) IsErr() bool { return r.tag == ResultErr }

// Ok returns the value, and panics if the result is an error.
func (r Result[T, E]) Ok() T {
	if r.tag != ResultOk {
		panic("the result is an error")
	}
	return r.ok
}

// Err returns the error, and panics if the result is a value.
func (r Result[T, E]) Err() E {
	if r.tag != ResultErr {
		panic("the result is a value")
	}
	return r.err
}

// Unit is the empty type, for results without a value or error.
type Unit struct{}
