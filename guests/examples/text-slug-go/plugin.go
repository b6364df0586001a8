// Package plugin makes slugs, as URLs have them: the example plugin in Go.
//
// A word is a run of letters, their marks and digits of any script; words
// become lower-case and are joined by hyphens.
package plugin

import (
	"strconv"
	"strings"
	"unicode"

	host "wit_component/myapp_text_processor_host_api"
	types "wit_component/myapp_text_processor_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Result is what Process gives: a slug or an error of the contract.
type Result = wit.Result[types.ProcessResult, types.ProcessError]

// GetName gives the plugin's name.
func GetName() string { return "text-slug-go" }

// GetVersion gives the plugin's version.
func GetVersion() string { return "0.1.0" }

// Process makes the slug of a text; a text without a word has none.
func Process(input string) Result {
	words := strings.FieldsFunc(strings.ToLower(input), isBetweenWords)
	if len(words) == 0 {
		host.Log(host.LogLevelWarn, "Input without a word received")
		return wit.Err[types.ProcessResult](types.ProcessErrorInvalidInput)
	}
	count := strconv.Itoa(len(words))
	host.Log(host.LogLevelInfo, "Joined "+count+" words")
	return wit.Ok[types.ProcessResult, types.ProcessError](types.ProcessResult{
		Output: strings.Join(words, "-"),
		Metadata: []types.KeyValue{
			{Key: "words", Value: count},
			{Key: "transform", Value: "slug"},
		},
	})
}

// ProcessBatch is how the host gives many texts in one call: the same, faster.
func ProcessBatch(inputs []string) []Result {
	results := make([]Result, len(inputs))
	for index, input := range inputs {
		results[index] = Process(input)
	}
	return results
}

func isBetweenWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}
