//go:build !js

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "sealtape-web runs in browsers only: compile it with GOOS=js GOARCH=wasm")
	os.Exit(2)
}
