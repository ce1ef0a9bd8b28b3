package site

import _ "embed"

//go:embed wasm_exec.js
var glue []byte

// Glue returns the script by which browsers run a program that the Go version of this
// module compiled. Another version's has its own, in lib/wasm of GOROOT.
func Glue() []byte { return glue }
