package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
)

// The shorter side of a picture may be bounded from minVideo to maxVideo pixels.
const (
	minVideo = 90
	maxVideo = 4320
)

// recordOptions are all options of record, from its flags, its file and the environment.
type recordOptions struct {
	// The room, and what is needed to join it.
	room, url, identity, name          string
	token, tokenFile, tokenCommand     string
	tokenProgram                       []string
	others                             string
	apiKey, apiSecret, apiSecretFile   string
	passphraseFile, keyFile, roomKeys  string
	noE2EE                             bool
	grace, wait, rejoin                string
	maxVideo                           string
	noVideo, noScreen, audioOnly       bool
	envToken, envSecret, envPassphrase string // what the environment has; it stands behind the flags

	// Who can open it, who is recorded, and what people are told.
	readers, members, operators       []string
	access, whoReads, record, consent string
	plaintext, notices                string
	linkStore, linkPage               string

	webhookOptions
	matrixOptions

	// The recording.
	title, partOf     string
	stores            []string
	keepLocal         bool
	segment, duration time.Duration
	metricsAddr       string
	json              bool

	// Of a parent process.
	configFile, secretsFile, statusFile string

	// Set by Check from these.
	policy    bot.Policy
	selection livekit.Selection
	lifetime  lifetime
}

// What to do if another recorder of the same name records the room.
const (
	othersBeside  = "beside"
	othersYield   = "yield"
	othersReplace = "replace"
)

// keysOfMembers is the value of --room-keys.
const keysOfMembers = "members"

// A lifetime has the durations of recorder.Config and livekit.Config.
type lifetime struct{ grace, wait, rejoin time.Duration }

// Rest reads from c the options that flags do not fill by themselves.
func (o *recordOptions) Rest(c *cli.Context) {
	o.stores, o.readers, o.members = flags.StoreNames(c), c.StringSlice("reader"), c.StringSlice("member")
	o.services = c.StringSlice(access.ServiceName)
	o.operators = c.StringSlice("operator")
	o.configFile, o.tokenProgram = c.String("config"), c.StringSlice("token-program")
	o.keepLocal, o.json = c.Bool("keep-local"), c.Bool("json")
	o.restOfWebhook(c)
	o.envToken, o.envSecret, o.envPassphrase = os.Getenv(flags.TokenVar), os.Getenv(flags.APISecretVar), os.Getenv(flags.E2EEPassphraseVar)
}

// Check returns an error for options that make no sense on any machine, with any keys and
// stores.
func (o *recordOptions) Check() error {
	if err := o.checkMatrix(); err != nil {
		return err
	}
	if o.matrix == "" && (o.room == "" && o.token+o.tokenFile+o.tokenCommand+o.envToken == "" || o.room == "" && len(o.tokenProgram) > 0) {
		return ui.Misuse("which room? --room is missing")
	}
	if o.segment < time.Second || o.segment > time.Minute {
		return ui.Misuse("--segment is %v, want 1s to 1m", o.segment)
	}
	if o.duration < 0 {
		return ui.Misuse("--duration is negative")
	}
	if err := checkTitle(o.title); err != nil {
		return err
	}
	if o.partOf != "" && archive.ValidID(o.partOf) != nil {
		return ui.Hinted(ui.Misuse("--part-of is %s, want the whole ID of a recording", words.Quote(o.partOf)), "sealtape record prints it first, and sealtape list has it")
	}
	if err := o.checkPolicy(); err != nil {
		return err
	}
	if err := o.checkSelection(); err != nil {
		return err
	}
	if err := o.checkLifetime(); err != nil {
		return err
	}
	if err := o.checkLink(); err != nil {
		return err
	}
	if err := o.checkWebhook(); err != nil {
		return err
	}
	if o.url == "" && o.matrix == "" {
		return ui.Hinted(ui.Misuse("which server? --url is missing"), "set LIVEKIT_URL, such as wss://meet.example.org")
	}
	if len(o.readers) == 0 {
		return noReader()
	}
	for _, arg := range o.members {
		if identity, name, ok := strings.Cut(arg, "="); !ok || identity == "" || name == "" {
			return ui.Misuse("--member is %s, want IDENTITY=NAME", words.Quote(arg))
		}
	}
	return nil
}

// checkTitle refuses a title that could not be shown as it was given.
func checkTitle(title string) error {
	if n := utf8.RuneCountInString(title); n > media.MaxTitle {
		return ui.Misuse("--title has %d characters, want at most %d", n, media.MaxTitle)
	}
	if title != "" && media.Plain(title, media.MaxTitle) == "" {
		return ui.Misuse("--title has nothing in it that can be read")
	}
	return nil
}

func noReader() error {
	return ui.Hinted(ui.Misuse("%w", bot.ErrNoReaders), "name a reader: --reader NAME of a pinned card, or your own")
}

// checkPolicy returns an error for words that are no policy.
func (o *recordOptions) checkPolicy() error {
	for _, f := range []struct {
		name, value string
		values      []string
	}{
		{"access", o.access, []string{bot.AccessPresent, bot.AccessWhole}},
		{"readers", o.whoReads, []string{bot.ReadersVerified, bot.ReadersNamed, bot.ReadersAllPinned}},
		{"record", o.record, []string{bot.RecordEveryone, bot.RecordVerified}},
		{"consent", o.consent, []string{bot.ConsentAnnounce, bot.ConsentAsk}},
		{"notices", o.notices, []string{bot.NoticesAll, bot.NoticesNeeded}},
		{"others", o.others, []string{othersBeside, othersYield, othersReplace}},
	} {
		if !slices.Contains(f.values, f.value) {
			return ui.Misuse("--%s is %q, want %s", f.name, f.value, strings.Join(f.values, " or "))
		}
	}
	if o.roomKeys != "" && o.roomKeys != keysOfMembers {
		return ui.Hinted(ui.Misuse("--room-keys is %s, want %s", words.Quote(o.roomKeys), keysOfMembers),
			"for keys in a file, use --e2ee-key-file")
	}
	o.policy = bot.Policy{Readers: o.whoReads, Access: o.access, Record: o.record, Consent: o.consent, Notices: o.notices}
	if o.plaintext == "" {
		return nil
	}
	if o.noE2EE {
		return ui.Misuse("--allow-plaintext is for a room with end-to-end encryption, and --no-e2ee says that this one has none")
	}
	for kind := range strings.SplitSeq(o.plaintext, ",") {
		if !slices.Contains(bot.PlaintextSenders(), kind) {
			return ui.Misuse("--allow-plaintext is %q, want some of sip,ingress,agent", o.plaintext)
		}
		o.policy.Plaintext = append(o.policy.Plaintext, kind)
	}
	return nil
}

// checkSelection reads which media is wanted.
func (o *recordOptions) checkSelection() (err error) {
	s := livekit.Selection{AudioOnly: o.audioOnly, NoVideo: o.noVideo, NoScreen: o.noScreen}
	if text := o.maxVideo; text != "" {
		s.MaxVideo, err = strconv.Atoi(strings.TrimSuffix(strings.ToLower(text), "p"))
		if err != nil || s.MaxVideo < minVideo || s.MaxVideo > maxVideo {
			return ui.Misuse("--max-video is %q, want %dp to %dp, such as 720p", text, minVideo, maxVideo)
		}
		if s.AudioOnly || s.NoVideo && s.NoScreen {
			return ui.Misuse("--max-video bounds pictures, and the other flags leave all of them out")
		}
	}
	o.selection = s
	return nil
}

// checkLink returns an error for addresses that members could not be told.
func (o *recordOptions) checkLink() error {
	if (o.linkStore == "") != (o.linkPage == "") {
		return ui.Misuse("--link-store and --link-page belong together: the page plays what the store has")
	}
	for _, f := range []struct{ name, value string }{{"link-store", o.linkStore}, {"link-page", o.linkPage}} {
		if f.value == "" {
			continue
		}
		if err := member.CheckAddress(f.value); err != nil {
			return ui.Hinted(ui.Misuse("--%s is %s: %w", f.name, words.Quote(f.value), err), "give it such as https://meet.example.org/recordings/")
		}
	}
	return nil
}

// checkLifetime reads when a recording ends by itself.
func (o *recordOptions) checkLifetime() (err error) {
	for _, f := range []struct {
		name, value string
		to          *time.Duration
	}{{"grace", o.grace, &o.lifetime.grace}, {"wait", o.wait, &o.lifetime.wait}, {"rejoin", o.rejoin, &o.lifetime.rejoin}} {
		if *f.to = recorder.Never; f.value == "never" {
			continue
		}
		if *f.to, err = time.ParseDuration(f.value); err != nil || *f.to < 0 {
			return ui.Misuse("--%s is %q, want a time such as 2m, 0 for the default, or never", f.name, f.value)
		}
	}
	return nil
}

// checkKeys returns an error unless there is exactly one source of the room's keys and one
// way to join the room. It comes after the check of the readers.
func (o *recordOptions) checkKeys() error {
	if o.matrix != "" {
		return nil // the call has both
	}
	var sources []string
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"--no-e2ee", o.noE2EE}, {"--room-keys", o.roomKeys != ""},
		{"--e2ee-passphrase-file", o.passphraseFile != ""}, {"--e2ee-key-file", o.keyFile != ""},
	} {
		if f.given {
			sources = append(sources, f.name)
		}
	}
	switch {
	case len(sources) > 1:
		return ui.Hinted(ui.Misuse("%s and %s exclude each other", sources[0], sources[1]),
			"give one of --e2ee-passphrase-file, --e2ee-key-file, --room-keys members and --no-e2ee")
	case len(sources) == 0 && o.envPassphrase == "":
		return ui.Hinted(ui.Misuse("the room's end-to-end passphrase is missing"),
			"give --e2ee-passphrase-file FILE or "+flags.E2EEPassphraseVar+", or --e2ee-key-file FILE; where the members' clients make the keys, --room-keys members; "+
				"for a room without end-to-end encryption, --no-e2ee")
	case o.token != "" && o.tokenFile != "":
		return ui.Misuse("--token and --token-file exclude each other")
	case o.apiSecret != "" && o.apiSecretFile != "":
		return ui.Misuse("--api-secret and --api-secret-file exclude each other")
	case !o.admitted():
		return ui.Hinted(ui.Misuse("nothing to join the room with"),
			"set LIVEKIT_API_KEY and "+flags.APISecretVar+", or "+flags.TokenVar)
	}
	return nil
}

// admitted reports whether there is a token, or an API key and its secret, to join the room
// with. A token in the environment is used only if there is nothing else.
func (o *recordOptions) admitted() bool {
	secret := o.apiSecret+o.apiSecretFile+o.envSecret != ""
	return len(o.tokenProgram) > 0 || o.token+o.tokenFile+o.tokenCommand != "" || secret && o.apiKey != "" || !secret && o.envToken != ""
}
