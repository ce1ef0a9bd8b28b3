// Command make writes recordings to try the player with, and two homes that open
// them:
//
//	go run ./testdata/player/make -o DIR [-what lab,hour] [-length 10m] [-live]
//
// It prints what to set and what to run. "lab" has all that the player has to
// cope with, a span that the guest cannot open and a damaged segment among it;
// "flash" two flashes and beeps, of which one has a slow clock; "hour" an hour of
// four voices and two flashes; "big" two hours of 30 voices and 6 flashes of
// 500 kbit/s, 3.5 GB. A second run with the same DIR adds to what is there. With
// -live it goes on, in real time, until it is ended.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/testdata/player"
)

func main() {
	dir := flag.String("o", "", "the `folder` for homes and store")
	what := flag.String("what", "lab", "which, with commas between: lab, flash, hour, big")
	length := flag.Duration("length", 0, "another length than usual")
	live := flag.Bool("live", false, "record the last of them in real time")
	flag.Parse()
	if *dir == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*dir, strings.Split(*what, ","), *length, *live); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

func run(dir string, whats []string, length time.Duration, live bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	people, err := player.NewPeople(dir)
	if err != nil {
		return err
	}
	store := filepath.Join(dir, "store")
	fmt.Printf("export SEALTAPE_HOME=%s SEALTAPE_STORE=%s   # the owner; the guest is %s\n", people.Owner, store, people.Guest)
	for i, what := range whats {
		var m player.Meeting
		switch what {
		case "lab":
			m, err = player.Lab(people.Readers, cmp.Or(length, 90*time.Second))
		case "flash":
			m, err = player.Flashes(people.Readers, 2, 2, cmp.Or(length, 5*time.Minute), true)
		case "hour":
			m, err = player.Flashes(people.Readers, 4, 2, cmp.Or(length, time.Hour), true)
		case "big":
			m, err = player.Flashes(people.Readers, 30, 6, cmp.Or(length, 2*time.Hour), true)
			m = player.Weighty(m, 500_000)
		default:
			err = fmt.Errorf("there is no %q", what)
		}
		if err != nil {
			return err
		}
		t, err := player.NewTape(store, people.Signer.Signer(), m)
		if err != nil {
			return err
		}
		fmt.Printf("sealtape play %s   # %s, %v\n", t.ID(), what, m.Length)
		if live && i == len(whats)-1 {
			begun := time.Now()
			for at := time.Duration(0); at < m.Length; at = time.Since(begun) {
				if err := t.Until(at); err != nil {
					return err
				}
				time.Sleep(200 * time.Millisecond)
			}
		}
		if err := t.Until(m.Length); err != nil {
			return err
		}
		if err := t.Close(); err != nil {
			return err
		}
		if what == "lab" {
			if err := player.Damage(store, t.ID(), int(player.DamagedFrom/(5*time.Second))); err != nil {
				return err
			}
		}
	}
	return nil
}
