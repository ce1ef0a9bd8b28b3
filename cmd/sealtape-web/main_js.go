package main

import (
	"runtime/debug"
	"syscall/js"
)

const (
	// memory is what the program makes do with, in bytes, where it can. The memory of
	// WebAssembly never shrinks.
	memory = 64 << 20
	// cacheBytes is how much of it segments in the clear may take.
	cacheBytes = 16 << 20
)

func main() {
	debug.SetMemoryLimit(memory)
	h := host{js.Global().Get("sealtapeHost")}
	var asked *asked
	h.on("begin", func(args []js.Value) {
		var err error
		if asked, err = begin(h, args[0].String()); err != nil {
			panic(err) // the page's own mistake
		}
	})
	h.on("ask", func(args []js.Value) { asked.ask(args[0].Int(), args[1].String(), args[2].String()) })
	h.on("stop", func(args []js.Value) { asked.stop(args[0].Int()) })
	h.v.Call("ready")
	select {}
}
