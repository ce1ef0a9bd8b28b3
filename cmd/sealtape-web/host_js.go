package main

import (
	"context"
	"errors"
	"syscall/js"
)

// A host is the worker that the program runs in: see the package.
type host struct{ v js.Value }

// on sets what the host calls. f must not wait.
func (h host) on(name string, f func(args []js.Value)) {
	h.v.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args)
		return nil
	}))
}

// A hostError is an error of the host, by its kind, and by what it says of that, if it does.
type hostError struct{ kind, text, why string }

func (e *hostError) Error() string { return "the page: " + e.kind + ": " + e.text }

// request asks the host for something, and waits for it. If ctx ends before, it takes
// the question back. An error of the host is a *hostError.
func (h host) request(ctx context.Context, what string, detail any, bytes js.Value) (js.Value, error) {
	if ctx.Err() != nil {
		return js.Undefined(), ctx.Err()
	}
	asked := h.v.Call("request", what, detail, bytes)
	done := make(chan struct{})
	var v js.Value
	var err error
	answered := js.FuncOf(func(_ js.Value, args []js.Value) any {
		v = args[0]
		close(done)
		return nil
	})
	failed := js.FuncOf(func(_ js.Value, args []js.Value) any {
		err = &hostError{text(args[0], "kind"), text(args[0], "message"), text(args[0], "why")}
		close(done)
		return nil
	})
	asked.Get("promise").Call("then", answered, failed)
	select {
	case <-done:
	case <-ctx.Done():
		asked.Call("cancel") // it is rejected, or was answered meanwhile
		<-done
		err = ctx.Err()
	}
	answered.Release()
	failed.Release()
	return v, err
}

// text returns a property that may not be there.
func text(v js.Value, name string) string {
	if v.Type() != js.TypeObject {
		return ""
	}
	if p := v.Get(name); p.Type() == js.TypeString {
		return p.String()
	}
	return ""
}

var errNoBytes = errors.New("the page gave no bytes")

// fromJS copies bytes into the program.
func fromJS(v js.Value) ([]byte, error) {
	if !v.InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, errNoBytes
	}
	b := make([]byte, v.Length())
	js.CopyBytesToGo(b, v)
	return b, nil
}

// toJS copies bytes out of the program.
func toJS(b []byte) js.Value {
	v := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(v, b)
	return v
}
