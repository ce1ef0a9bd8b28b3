package bot_test

import (
	"context"
	"errors"
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
	check(err)
	me, err := home.Load(nil) // or a function that returns the passphrase
	check(err)
	card, err := me.Card()
	check(err)
	store, err := dir.Create(os.Getenv("SEALTAPE_STORE")) // or s3.Open
	check(err)
	roomKeys, err := livekitroom.PassphraseKeys([]byte(os.Getenv("SEALTAPE_E2EE_PASSPHRASE")))
	check(err)
	room := livekit.Config{
		URL: os.Getenv("LIVEKIT_URL"), APIKey: os.Getenv("LIVEKIT_API_KEY"), APISecret: os.Getenv("LIVEKIT_API_SECRET"),
		Room: "weekly", Identity: "recorder", Name: "Recorder",
	}
	result, err := bot.Record(ctx, bot.Config{
		Meeting: livekitroom.Meeting(room, roomKeys), Home: home, Identity: me,
		Stores: []bot.Store{{Store: store}}, Readers: bot.CardReaders(card),
	})
	check(errors.Join(err, store.Close()))
	fmt.Printf("recorded %s: %d frames of %d tracks\n", result.ID, result.Frames, result.Tracks)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
