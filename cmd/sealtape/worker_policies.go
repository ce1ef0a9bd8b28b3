package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// readPolicies reads the folder of policies.
func (o *workerOptions) readPolicies() (*fleet.Policies, error) {
	p, err := fleet.ReadPolicies(o.policies, o.check)
	if err == nil {
		return p, nil
	}
	hint := "sealtape worker --help shows what a policy says, sealtape record --help its settings"
	var writable *fleet.WritableError
	if errors.As(err, &writable) {
		hint = "chmod go-w " + writable.Path
	}
	return nil, ui.Hinted(ui.Misuse("--policies: %w", err), hint)
}

// policyCheck returns what checks policies on a machine with these keys: its readers must be
// known here, or the first meeting would find that out.
func policyCheck(home *keys.Home) func(*fleet.Policy) error {
	return func(p *fleet.Policy) error {
		if err := checkPolicy(p); err != nil {
			return err
		}
		readers, err := parseReaders(home, p.Setting("reader"))
		if err != nil {
			return err
		}
		if len(readers) == 0 && p.Command == nil {
			return noReader()
		}
		if p.Setting("store") == nil && os.Getenv("SEALTAPE_STORE") == "" && p.Command == nil {
			return errors.New("it has no store for what is recorded")
		}
		return nil
	}
}

// checkPolicy returns what "sealtape record" would say against a policy before it looks at
// keys and stores.
func checkPolicy(p *fleet.Policy) error {
	_, err := policyOptions(p)
	return err
}

// policyOptions returns what "sealtape record" would do under a policy, or say against it.
func policyOptions(p *fleet.Policy) (*recordOptions, error) {
	var o recordOptions
	e := &ui.Env{Stdin: nil, Stdout: io.Discard, Stderr: io.Discard, CheckOnly: true}
	app := newApp(e)
	app.Commands = []*cli.Command{{
		Name: "record", Flags: recordFlags(&o), OnUsageError: flags.UsageFailed,
		Action: func(c *cli.Context) error {
			for _, s := range p.Settings {
				if err := flags.Set(c, s.Name, s.Values); err != nil {
					if s.Line > 0 {
						err = fmt.Errorf("line %d: %w", s.Line, err)
					}
					return err
				}
			}
			// What the worker says for all rooms.
			for name, value := range map[string]string{"room": "a room", "url": "wss://meet.example.org", "token-program": "true"} {
				if err := c.Set(name, value); err != nil {
					return err
				}
			}
			if p.Command != nil && p.Setting("reader") == nil { // its answer may name them
				if err := c.Set("reader", "a reader"); err != nil {
					return err
				}
			}
			return flags.Action(&o, func(context.Context, *ui.Env, *recordOptions) error { return nil })(c)
		},
	}}
	if len(p.Setting("matrix")) > 0 || len(p.Setting("matrix-user")) > 0 || len(p.Setting("matrix-service")) > 0 {
		return nil, errors.New("it has matrix, which a worker cannot record: LiveKit dispatches the rooms of its own server only; record each Matrix room by a sealtape record --matrix of its own")
	}
	if err := app.RunContext(context.Background(), []string{"sealtape", "record"}); err != nil {
		return nil, err
	}
	keyed := p.Command != nil // which may give keys
	if o.envPassphrase = "no"; keyed || o.noE2EE || o.roomKeys != "" || o.passphraseFile != "" || o.keyFile != "" {
		return &o, o.checkKeys()
	}
	return nil, errors.New("it has no keys for its rooms: one of room-keys: members, e2ee-key-file, e2ee-passphrase-file, command and no-e2ee is missing")
}
