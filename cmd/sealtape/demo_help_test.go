//go:build !release

package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestDemoOptions(t *testing.T) {
	for duration, says := range map[time.Duration]string{time.Millisecond: "less than a second", time.Second: ""} {
		err := (&demoOptions{duration: duration}).Check()
		if (err != nil) != (says != "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", duration, err, says)
		}
	}
}

// How long the demo takes the first time is the same wherever it is said.
func TestDemoTakesOneTime(t *testing.T) {
	texts := map[string]string{"demo --help": demoCommand().Description}
	for _, file := range []string{"README.md", "Makefile", "testdata/demo/main.go"} {
		b, err := os.ReadFile(moduleRoot + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "make release") {
				continue // which builds something else
			}
			if strings.Contains(line, "first") && strings.Contains(line, "minutes") || strings.Contains(line, "those") && strings.Contains(line, "minutes") {
				texts[file] += line
			}
		}
	}
	for where, text := range texts {
		if n := strings.Count(text, "minutes"); n == 0 || strings.Count(text, "4 minutes") != n {
			t.Errorf("%s says something else than 4 minutes: %q", where, text)
		}
	}
}
