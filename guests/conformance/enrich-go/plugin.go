// Package plugin awaits a function of its host for each text.
package plugin

import world "wit_component/wit_world"

// Enrich awaits the host.
func Enrich(text string) string { return text + ": " + world.LookUp(text) }

// Describe says what the plugin does.
func Describe() string { return "enriches" }
