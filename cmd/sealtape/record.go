package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// maxSecret is the most bytes of a file with a passphrase or a token.
const maxSecret = 16 << 10

func recordCommand() *cli.Command {
	var o recordOptions
	return &cli.Command{
		Name:      "record",
		Usage:     "record a room, visibly",
		ArgsUsage: "--room ROOM | --matrix ROOM --store STORE --reader NAME",
		Description: `Joins the room under its end-to-end encryption. Tells the members that it records, and who
will be able to open the recording. Seals what it receives to these readers. Nothing is ever
written unsealed.

The room has 3.5 s to see the notice. What is said or written before that is not kept. The
command prints the ID of the recording first. The recording ends with the room, or with
Ctrl-C; within the 3.5 s, Ctrl-C leaves nothing of it. A second Ctrl-C ends the command at
once; "sealtape recover" then stores the rest. The signal USR1 pauses the recording, and
the next one continues it. The room is told, and the pause is no hole.

The command needs:
  the room's passphrase   from --e2ee-passphrase-file or ` + flags.E2EEPassphraseVar + `
  or the room's keys      from --e2ee-key-file, see below
  or nothing              with --room-keys members, see below
  the server              from LIVEKIT_URL
  what admits it          LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or LIVEKIT_TOKEN
A token must let the recorder be seen, and send data.

` + keyFileHelp + `

` + memberKeysHelp + `

` + matrixHelp + `

` + webhookHelp + `

` + access.StoreHelp + `

Exit code 3: a second or more is missing; "sealtape info" says what, and why. Exit code 6: with
--others, another recorder records the room: this one left before it told anybody, or found it
there when it came back to a room that it had lost.

` + secretsHelp + `

` + flags.ConfigHelp,
		UsageText: `  sealtape record --room weekly --e2ee-passphrase-file room.txt --reader Bob --store ./meetings
  sealtape record --room weekly --room-keys members --reader Bob --store ./meetings
  sealtape record --matrix '#weekly:example.org' --reader Bob --store ./meetings
  sealtape record --config weekly.yaml --title "Board, May"
  sealtape record --room open --no-e2ee --reader Bob --store s3://meetings/2026 --duration 1h`,
		Flags: recordFlags(&o),
		Action: func(c *cli.Context) error {
			if path := c.String("secrets-file"); path != "" && !ui.Of(c).CheckOnly {
				if err := takeSecrets(path); err != nil { // before what the environment says counts
					return err
				}
			}
			if err := flags.Configure(ui.Of(c), c); err != nil {
				return err
			}
			return flags.Action(&o, runRecord)(c)
		},
	}
}

// recordFlags returns the flags of record. They fill o; (*recordOptions).Rest fills what
// they do not.
func recordFlags(o *recordOptions) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "room", Destination: &o.room, Usage: "the `ROOM` to record"},
		&cli.StringFlag{Name: "title", Destination: &o.title, Usage: "what the recording is called; only its readers see this `TITLE`", DefaultText: "none"},
		&cli.StringFlag{Name: "part-of", Destination: &o.partOf, Usage: "the room is a breakout room of the meeting whose recording has this `ID`; only readers see it", DefaultText: "none"},
		flags.StoresFlag(),
		&cli.StringSliceFlag{Name: "reader", Usage: "who can open it: a pinned `NAME`, an age recipient, or a file with either; repeat for more"},
		&cli.StringSliceFlag{Name: "member", Usage: "`IDENTITY=NAME`: you vouch that the member with this identity in the room is the pinned NAME. They become a reader of what --access says; repeat for more"},
		&cli.StringSliceFlag{Name: "operator", Usage: "let the holder of the pinned card `NAME` pause the recording, let it go on and end it from outside of the room, with sealtape fleet; repeat for more"},
		&cli.StringFlag{Name: "access", Destination: &o.access, Value: "present", Usage: "`WHAT` members who are readers can open. present: what is recorded while they are here. whole: all of it, once they come. People named with --reader can open all"},
		&cli.DurationFlag{Name: "segment", Destination: &o.segment, Value: 5 * time.Second, Usage: "`LENGTH` of a segment: what a crash can cost"},
		&cli.DurationFlag{Name: "duration", Destination: &o.duration, Usage: "stop after this `TIME`; 0 is when the room ends", DefaultText: "when the room ends"},
		&cli.StringFlag{Name: "e2ee-passphrase-file", Destination: &o.passphraseFile, Usage: "`FILE` with the room's passphrase"},
		&cli.StringFlag{Name: "e2ee-key-file", Destination: &o.keyFile, Usage: "`FILE` with the room's keys, see above"},
		&cli.StringFlag{Name: "room-keys", Destination: &o.roomKeys, Usage: "`WHO` makes the room's keys and hands them to the recorder: members, see above"},
		&cli.BoolFlag{Name: "no-e2ee", Destination: &o.noE2EE, Usage: "the room is not end-to-end encrypted"},
		&cli.StringFlag{Name: "url", Destination: &o.url, EnvVars: []string{"LIVEKIT_URL"}, Usage: "LiveKit server `URL`, wss://…"},
		&cli.StringFlag{Name: "token", Destination: &o.token, Usage: "access `TOKEN`; better in " + flags.TokenVar + " or a file, for ps shows it here"},
		&cli.StringFlag{Name: "token-file", Destination: &o.tokenFile, Usage: "`FILE` with the access token"},
		&cli.StringFlag{Name: "token-command", Destination: &o.tokenCommand, Usage: "`COMMAND` for sh that prints an access token, run whenever one is needed, without the secrets in the environment"},
		&cli.StringFlag{Name: "api-key", Destination: &o.apiKey, EnvVars: []string{"LIVEKIT_API_KEY"}, Usage: "API `KEY`, to make a token with"},
		&cli.StringFlag{Name: "api-secret", Destination: &o.apiSecret, Usage: "API `SECRET`; better in " + flags.APISecretVar + " or a file, for ps shows it here"},
		&cli.StringFlag{Name: "api-secret-file", Destination: &o.apiSecretFile, Usage: "`FILE` with the API secret"},
		&cli.StringFlag{Name: "identity", Destination: &o.identity, Usage: "the recorder's `IDENTITY` in the room (default: a new one)"},
		&cli.StringFlag{Name: "name", Destination: &o.name, Value: defaultName, Usage: "the `NAME` that members see"},
		&cli.StringFlag{Name: "link-store", Destination: &o.linkStore, Usage: "tell members this `URL` of the store, where browsers can fetch the recording, so that who attended can watch it with a click; with --link-page", DefaultText: "members are not told"},
		&cli.StringFlag{Name: "link-page", Destination: &o.linkPage, Usage: "tell members this `URL` of the player's page, see --link-store. Whoever serves it can take the keys that are entered there", DefaultText: "members are not told"},
		keepLocalFlag(),
		&cli.StringFlag{Name: "metrics-addr", Destination: &o.metricsAddr, Usage: "answer /metrics (Prometheus), /healthz and /readyz on this `ADDR`, such as 127.0.0.1:9464"},
		&cli.StringFlag{Name: "others", Destination: &o.others, Value: othersBeside, Usage: "`WHAT` to do if another verified recorder of the same name records the room. beside: record, too. yield: leave before the room is told. replace: the same, but take the place of whoever has --identity"},
		&cli.StringFlag{Name: "secrets-file", Destination: &o.secretsFile, Usage: "`FILE` with secrets, see above; only in the command line"},
		&cli.StringSliceFlag{Name: "token-program", Hidden: true, Usage: "`PROGRAM` that prints {\"token\": \"...\"}, and its arguments"},
		&cli.StringFlag{Name: "status-file", Destination: &o.statusFile, Hidden: true, Usage: "write the status to this `FILE` that a worker left open, and end when nobody reads it"},
		&cli.StringFlag{Name: "config", Usage: "read flags from this YAML `FILE`, see above"},
		flags.JSONFlag(),
		&cli.StringFlag{Name: "max-video", Destination: &o.maxVideo, Usage: "receive pictures no larger than `SIZE`, such as 720p, from members who send several sizes", DefaultText: "the largest that are sent"},
		&cli.BoolFlag{Name: "no-video", Destination: &o.noVideo, Usage: "leave out cameras"},
		&cli.BoolFlag{Name: "no-screen", Destination: &o.noScreen, Usage: "leave out shared screens, and their sound"},
		&cli.BoolFlag{Name: "audio-only", Destination: &o.audioOnly, Usage: "leave out all pictures"},
		&cli.StringFlag{Name: "readers", Destination: &o.whoReads, Value: "verified", Usage: "`WHO` can open it besides --reader and --member. verified: pinned members who prove in the room who they are. named: nobody else. all-pinned: everyone whose card is pinned here"},
		&cli.StringFlag{Name: "record", Destination: &o.record, Value: "everyone", Usage: "`WHOM` to record. everyone: all members. verified: only members who prove who they are"},
		&cli.StringFlag{Name: "allow-plaintext", Destination: &o.plaintext, Usage: "record these `KINDS` of members without encryption, and mark their tracks: sip, ingress and agent, with commas between", DefaultText: "nobody's"},
		&cli.StringFlag{Name: "notices", Destination: &o.notices, Value: "all", Usage: "`WHICH` notices the room gets. all: every one. needed: only what the recorder does, and who can open the recording"},
		&cli.StringFlag{Name: "consent", Destination: &o.consent, Value: "announce", Usage: "`WHAT` people must do. announce: nothing, the room is told. ask: say yes, in the chat or by their client; before that, nothing of them is kept"},
		&cli.StringFlag{Name: "grace", Destination: &o.grace, Value: "2m", Usage: "stop `TIME` after the last person left, even if the server closes the room before; never: when the room ends"},
		&cli.StringFlag{Name: "wait", Destination: &o.wait, Value: "never", Usage: "stop if nobody has come for `TIME`, even if the server closes the room before"},
		&cli.StringFlag{Name: "rejoin", Destination: &o.rejoin, Value: "15m", Usage: "after losing the room, try for `TIME` to come back; never: give it up at once"},
	}, append(o.webhookFlags(), o.matrixFlags()...)...)
}
