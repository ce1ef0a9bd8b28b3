//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
)

func TestTokenCommand(t *testing.T) {
	for _, v := range secretVars {
		t.Setenv(v, "hunter2")
	}
	for _, v := range systemd.Vars {
		t.Setenv(v, "hunter2")
	}
	t.Setenv("VAULT_ADDR", "https://vault.example")
	for _, tt := range []struct{ command, token, says string }{
		{"echo a.b.c", "a.b.c", ""},
		{"printf ' a.b.c\\n\\n'", "a.b.c", ""},
		{"echo $VAULT_ADDR", "https://vault.example", ""},
		{"env | grep hunter2 || echo none", "none", ""},
		{"echo hunter2 >&2; echo a.b.c", "a.b.c", ""},
		{"echo hunter2; exit 3", "", "the token command failed: exit status 3"},
		{"echo hunter2 hunter2", "", "what it printed is no token"},
		{"echo hunter2; echo hunter2", "", "what it printed is no token"},
		{"true", "", "what it printed is no token"},
		{"yes hunter2 | head -c 20000 | tr -d '\\n'", "", "what it printed is no token"},
		{"no-such-program-here", "", "exit status 127"},
	} {
		var errs bytes.Buffer
		token, err := tokenCommand(tt.command, &errs)(t.Context())
		if token != tt.token || (err == nil) != (tt.says == "") {
			t.Errorf("%s: %q, %v", tt.command, token, err)
		}
		if err != nil && (!errors.Is(err, errTokenCommand) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %s", tt.command, err, tt.says)
		}
	}
	// It ends with its context, and leaves nothing behind that we wait for.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tokenCommand("sleep 1000", &bytes.Buffer{})(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, errTokenCommand) {
		t.Errorf("%v", err)
	}
}
