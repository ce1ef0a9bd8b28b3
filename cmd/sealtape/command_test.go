package main

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// What makes no sense is refused by the options alone, before anything is opened.
func TestOptionsRefuse(t *testing.T) {
	none, one := 0, 1
	for _, tt := range []struct {
		o    flags.Options
		says string // "" for options that make sense
	}{
		{&copyOptions{id: "last"}, "--to STORE is missing"},
		{&copyOptions{id: "last", to: "s"}, ""},
		{&shareOptions{id: "last"}, "--to NAME is missing"},
		{&resealOptions{id: "last"}, "--reader NAME is missing"},
		{&repairOptions{StoresOption: flags.StoresOption{Stores: []string{"a"}}}, "two or more"},
		{&repairOptions{StoresOption: flags.StoresOption{Stores: []string{"a", "b"}}}, ""},
		{&recoverOptions{adopt: []string{"x"}}, "--adopt"},
		{&pruneOptions{}, "either --older-than AGE or --keep N"},
		{&pruneOptions{olderThan: "90d", keep: &one}, "either --older-than AGE or --keep N"},
		{&pruneOptions{keep: &none}, "0 is not a number"},
		{&pruneOptions{keep: &one}, ""},
		{&pruneOptions{olderThan: "-1h"}, "--older-than"},
		{&pruneOptions{olderThan: "12w"}, ""},
		{&verifyOptions{sample: "5%", deep: true}, "--sample excludes"},
		{&verifyOptions{sample: "5"}, "--sample"},
		{&verifyOptions{quick: true, deep: true}, ""},
		{&exportOptions{format: "mkv"}, "-o PATH is missing"},
		{&exportOptions{format: "mp4", output: "-"}, "mp4 cannot go to standard output"},
		{&exportOptions{format: "avi", output: "x", given: map[string]bool{"format": true}}, "--format"},
		{&exportOptions{format: "mkv", output: "x", size: "160x90", given: map[string]bool{"size": true}}, "--size is for --format mp4"},
		{&exportOptions{output: "x.mp4", size: "160x90", layout: "grid", encoder: "auto"}, ""},
		{&exportOptions{format: "mkv", output: "x.mp4"}, "would be of format mkv"},
		{&exportOptions{output: "x.mp3"}, "not that of a format"},
		{&exportOptions{format: "mkv", output: "x", from: "2:00", to: "1:00"}, "not after 2:00"},
		{&exportOptions{format: "mkv", output: "x", from: "0", to: "1:00"}, ""},
		{&decryptOptions{}, "-o DIR is missing"},
		{&playOptions{at: "1:00", listen: "127.0.0.1:0"}, "its id is missing"},
		{&playOptions{listen: "0.0.0.0:80"}, "other machines"},
		{&playOptions{id: "sealtape:X#t=5", listen: "127.0.0.1:0"}, ""},
		{&flags.CompletionOptions{Shell: "tcsh"}, "no completion"},
	} {
		err := tt.o.Check()
		if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tt.says)) {
			t.Errorf("%T%+v: %v, want %q", tt.o, tt.o, err, tt.says)
		}
		if code, _ := ui.Explain(err); err != nil && code != ui.ExitUsage {
			t.Errorf("%T: exit code %d", tt.o, code)
		}
	}
}
