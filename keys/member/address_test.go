package member_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/sample"
)

// Go and browsers take the same addresses.
func TestAddresses(t *testing.T) {
	sample.Live(t)
	addresses := map[string]bool{
		"https://meet.example.org":                    true,
		"https://meet.example.org/":                   true,
		"https://meet.example.org:8443/a/b_c/~d.html": true,
		"https://192.0.2.1/bucket":                    true,
		"http://localhost:9000/bucket":                true,
		"http://127.0.0.1":                            true,
		"http://[::1]:80/":                            true,
		"https://a/" + strings.Repeat("x", 512-10):    true,
		"https://a/" + strings.Repeat("x", 512-9):     false,
		"":                                              false,
		"-":                                             false,
		"meet.example.org":                              false,
		"http://meet.example.org":                       false,
		"http://localhost.example.org":                  false,
		"HTTPS://meet.example.org":                      false,
		"https://Meet.example.org":                      false,
		"https://user@meet.example.org":                 false,
		"https://meet.example.org/?q":                   false,
		"https://meet.example.org/#1":                   false,
		"https://meet.example.org/a/../b":               false,
		"https://meet.example.org/.":                    false,
		"https://meet.example.org/%2e%2e/":              false,
		"https://meet.example.org/a b":                  false,
		"https://meet.example.org\n":                    false,
		"https://-meet.example.org":                     false,
		"https://meet.example.org:0/":                   false,
		"https://":                                      false,
		"javascript://meet.example.org/":                false,
		"https://meet.example.org\\@evil.example.org/x": false,
		"https://bücher.example":                        false,
	}
	in, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	script := `import { isAddress } from "../web/message.js"; import { readFileSync } from "node:fs";
		console.log(JSON.stringify(Object.keys(JSON.parse(readFileSync(0, "utf8"))).filter(isAddress)));`
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", script)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var taken []string
	if err := json.Unmarshal(out, &taken); err != nil {
		t.Fatal(err)
	}
	js := make(map[string]bool)
	for _, a := range taken {
		js[a] = true
	}
	for a, want := range addresses {
		if got := member.CheckAddress(a) == nil; got != want || js[a] != want {
			t.Errorf("%q: Go says %v, a browser %v, want %v", a, got, js[a], want)
		}
	}
}
