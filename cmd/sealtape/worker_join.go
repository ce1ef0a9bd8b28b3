package main

import (
	"context"
	"log/slog"
	"os"
	"slices"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/worker"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/agent"
)

// homeOfKeys has an identity; *keys.Home does.
type homeOfKeys interface {
	Load(passphrase func() ([]byte, error)) (*keys.Identity, error)
}

// workerJoin is how a worker registers, and how its recorders get into rooms.
type workerJoin struct {
	token     func(context.Context) (string, error)
	as        string
	apiKey    string
	apiSecret string   // "" without
	program   []string // prints tokens; nil without
}

// An agentQuestion is what a token program gets for the worker's own token.
type agentQuestion struct {
	Agent string `json:"agent"`
}

// credentials returns how to get tokens.
func (o *workerOptions) credentials(e *ui.Env) (*workerJoin, error) {
	j := &workerJoin{as: o.joinAs, apiKey: o.apiKey}
	e.WarnPlainRoom(o.url)
	switch {
	case o.agentTokenFile != "":
		// It is read again for each connection: it expires, and somebody puts a new one there.
		j.token = func(context.Context) (string, error) {
			b, err := readSecret(o.agentTokenFile)
			return string(b), err
		}
		if _, err := readSecret(o.agentTokenFile); err != nil {
			return nil, ui.Misuse("--agent-token-file: %w", err)
		}
		return j, nil
	case len(o.tokenProgram) > 0:
		j.program, j.token = o.tokenProgram, tokenProgram(o.tokenProgram, agentQuestion{o.agent})
		return j, nil
	}
	var err error
	if j.apiSecret, err = valueOrFile("api-secret", "", o.apiSecretFile); err != nil {
		return nil, err
	}
	if j.apiSecret == "" {
		j.apiSecret = o.envSecret
	}
	j.token = func(context.Context) (string, error) { return agent.Token(j.apiKey, j.apiSecret) }
	return j, nil
}

// table returns the table of rooms. A recorder that can look first who is in the room has
// the identity of the room, which a server gives to one member. One that cannot has its own:
// to join would throw out whoever records well.
func (j *workerJoin) table(rooms int) *fleet.Table {
	return fleet.NewTable(rooms, j.as == joinRecorder && j.apiSecret != "")
}

// into returns how a recorder gets into a room.
func (j *workerJoin) into(a agent.Assignment, secrets map[string]string) (settings []fleet.Setting, with map[string]string) {
	with = make(map[string]string)
	for name, value := range secrets {
		with[name] = value
	}
	switch {
	case j.as == joinAgent:
		with[flags.TokenVar] = a.Token
	case j.program != nil:
		settings = append(settings, fleet.Setting{Name: "token-program", Values: j.program, List: true})
	default:
		settings = append(settings, fleet.Setting{Name: "api-key", Values: []string{j.apiKey}})
		with[flags.APISecretVar] = j.apiSecret
	}
	return settings, with
}

// childSecrets returns what the recorders get of the secrets in the environment: all but
// what gets into rooms.
func childSecrets(passphrase string) map[string]string {
	secrets := make(map[string]string)
	for _, name := range secretVars {
		if v := os.Getenv(name); v != "" && name != flags.APISecretVar && name != flags.TokenVar {
			secrets[name] = v
		}
	}
	if passphrase != "" {
		secrets[ui.PassphraseVar] = passphrase
	}
	return secrets
}

// cleanVars are what the commands of policies get of the environment.
var cleanVars = []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// config returns the worker's configuration. words are those of its recorders' card.
func (o *workerOptions) config(words, spool string, j *workerJoin, secrets map[string]string, table *fleet.Table, log *slog.Logger) worker.Config {
	var clean []string
	for _, name := range slices.Concat(cleanVars, o.passEnv) {
		if v, ok := os.LookupEnv(name); ok && !slices.Contains(secretVars, name) {
			clean = append(clean, name+"="+v)
		}
	}
	return worker.Config{
		URL: o.url, Agent: o.agent, Own: fleet.OwnName(o.agent, words), Version: moduleVersion(), Token: j.token, Name: o.name,
		Join: func(_ fleet.Place, a agent.Assignment) ([]fleet.Setting, map[string]string) {
			return j.into(a, secrets)
		},
		Table: table, Check: o.check, Ask: fleet.Program{Env: clean},
		Env: withoutSecrets(os.Environ()), Spool: spool, MinSpace: o.minSpaceBytes, MaxBacklog: o.maxBacklogBytes, Log: log,
	}
}
