package bot_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// A program records a room of a LiveKit server, under its passphrase, into a folder,
// for the recorder's own key, until Ctrl-C or until everybody has left. "sealtape keys
// init --recorder" made the home.
func ExampleRecord() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	home, err := keys.OpenHome(os.Getenv("SEALTAPE_HOME"))
	if err != nil {
		log.Fatal(err)
	}
	me, err := home.Load(nil) // or a function that returns the passphrase
	if err != nil {
		log.Fatal(err)
	}
	card, err := me.Card()
	if err != nil {
		log.Fatal(err)
	}
	store, err := dir.Create(os.Getenv("SEALTAPE_STORE"))
	if err != nil {
		log.Fatal(err)
	}
	roomKeys, err := livekitroom.PassphraseKeys([]byte(os.Getenv("SEALTAPE_E2EE_PASSPHRASE")))
	if err != nil {
		log.Fatal(err)
	}
	result, err := bot.Record(ctx, bot.Config{
		Meeting: livekitroom.Meeting(livekit.Config{
			URL: os.Getenv("LIVEKIT_URL"), APIKey: os.Getenv("LIVEKIT_API_KEY"), APISecret: os.Getenv("LIVEKIT_API_SECRET"),
			Room: "weekly", Identity: "recorder", Name: "Recorder",
		}, roomKeys),
		Home: home, Identity: me,
		Stores:  []bot.Store{{Store: store}},
		Readers: bot.CardReaders(card),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("recorded %s: %d frames of %d tracks\n", result.ID, result.Frames, result.Tracks)
}
