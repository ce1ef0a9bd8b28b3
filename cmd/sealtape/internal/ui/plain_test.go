package ui

import "testing"

func TestPlainHost(t *testing.T) {
	for address, want := range map[string]string{
		"ws://meet.example.org":          "meet.example.org",
		"http://meet.example.org:7880/x": "meet.example.org",
		"WS://Meet.Example.Org":          "meet.example.org",
		"http://192.168.1.2:9000":        "192.168.1.2",
		"ws://[2001:db8::1]:7880":        "2001:db8::1",
		"http://user:secret@example.org": "example.org",
		"http://localhost.example.org":   "localhost.example.org",
		"http://127.0.0.1.example.org":   "127.0.0.1.example.org",
		"ws://0.0.0.0:7880":              "0.0.0.0",
		"wss://meet.example.org":         "",
		"https://s3.example.org":         "",
		"ws://localhost:7880":            "",
		"http://127.0.0.1:9000":          "",
		"http://127.8.9.1":               "",
		"ws://[::1]:7880":                "",
		"http://minio.localhost":         "",
		"http://LOCALHOST.":              "",
		"":                               "",
		"://":                            "",
		"http://%zz":                     "",
		"meet.example.org":               "",
	} {
		if got := plainHost(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
