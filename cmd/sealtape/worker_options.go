package main

import (
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// What a server takes the recorders of a worker for.
const (
	joinRecorder = "recorder"
	joinAgent    = "agent"
)

// maxRooms is the highest --max-rooms.
const maxRooms = 10000

// workerOptions are all options of worker.
type workerOptions struct {
	policies, url, agent, name, joinAs    string
	apiKey, apiSecretFile, agentTokenFile string
	tokenProgram, passEnv                 []string
	maxRooms                              int
	minSpace, maxBacklog                  string
	drain, policiesEvery                  time.Duration
	metricsAddr                           string
	envSecret                             string // what the environment has; it stands behind the flags

	// Set by Check from these.
	minSpaceBytes, maxBacklogBytes int64

	check func(*fleet.Policy) error // what is wrong with a policy on this machine
}

// Rest reads from c the options that flags do not fill by themselves.
func (o *workerOptions) Rest(c *cli.Context) {
	o.tokenProgram, o.passEnv = c.StringSlice("token-program"), c.StringSlice("pass-env")
	o.envSecret = os.Getenv(flags.APISecretVar)
}

// Check returns an error for options that make no sense on any machine.
func (o *workerOptions) Check() (err error) {
	switch {
	case o.policies == "":
		return ui.Hinted(ui.Misuse("which rooms, and how? --policies is missing"), "sealtape worker --help shows what a policy says")
	case o.url == "":
		return ui.Hinted(ui.Misuse("which server? --url is missing"), "set LIVEKIT_URL, such as wss://meet.example.org")
	case o.maxRooms < 1 || o.maxRooms > maxRooms:
		return ui.Misuse("--max-rooms is %d, want 1 to %d", o.maxRooms, maxRooms)
	case o.drain < 0:
		return ui.Misuse("--drain is negative")
	}
	if err := checkPoliciesEvery(o.policiesEvery); err != nil {
		return err
	}
	for _, f := range []struct {
		name, value string
		to          *int64
	}{{"min-space", o.minSpace, &o.minSpaceBytes}, {"max-backlog", o.maxBacklog, &o.maxBacklogBytes}} {
		if *f.to, err = parseSize(f.value); err != nil {
			return ui.Misuse("--%s is %s, want a size such as 500MiB or 2GiB", f.name, words.Quote(f.value))
		}
	}
	for _, name := range o.passEnv {
		if name == "" || strings.Contains(name, "=") {
			return ui.Misuse("--pass-env is %s, want the name of a variable", words.Quote(name))
		}
	}
	return o.checkCredentials()
}

// checkCredentials returns an error unless there is one way to register, and a way into
// rooms.
func (o *workerOptions) checkCredentials() error {
	var ways []string
	for _, f := range []struct {
		name  string
		given bool
	}{{"--agent-token-file", o.agentTokenFile != ""}, {"--token-program", len(o.tokenProgram) > 0}, {"--api-secret-file", o.apiSecretFile != ""}} {
		if f.given {
			ways = append(ways, f.name)
		}
	}
	switch {
	case len(ways) > 1:
		return ui.Misuse("%s and %s exclude each other", ways[0], ways[1])
	case len(ways) == 0 && o.envSecret == "":
		return ui.Hinted(ui.Misuse("nothing to register with"),
			"set LIVEKIT_API_KEY and "+flags.APISecretVar+", or give --agent-token-file or --token-program")
	case o.apiKey == "" && o.agentTokenFile == "" && len(o.tokenProgram) == 0:
		return ui.Misuse("there is an API secret, and --api-key is missing")
	}
	switch o.joinAs {
	case "":
		o.joinAs = joinRecorder
		if o.agentTokenFile != "" {
			o.joinAs = joinAgent
		}
	case joinRecorder:
		if o.agentTokenFile != "" {
			return ui.Hinted(ui.Misuse("an agent's token makes no recorder's: --join-as recorder needs an API key or a program"), "leave --join-as out")
		}
	case joinAgent:
	default:
		return ui.Misuse("--join-as is %s, want recorder or agent", words.Quote(o.joinAs))
	}
	return nil
}

// parseSize reads a size: a number, and KiB, MiB, GiB or TiB, of which iB may be left out.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "KMGTiB")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 || n > 1<<20 {
		return 0, strconv.ErrSyntax
	}
	shift := 0
	switch s[len(digits):] {
	case "", "B":
	case "K", "KiB":
		shift = 10
	case "M", "MiB":
		shift = 20
	case "G", "GiB":
		shift = 30
	case "T", "TiB":
		shift = 40
	default:
		return 0, strconv.ErrSyntax
	}
	return int64(math.Ldexp(n, shift)), nil
}

// level is what a worker logs unless it is told otherwise.
func (o *workerOptions) level() slog.Level { return slog.LevelInfo }
