package archive

import (
	"errors"
	"fmt"
	"io/fs"

	"filippo.io/age"
)

// Admit lets one more reader into the current epoch. It writes a further file of
// the epoch, sealed to all keys of that reader: from 1 to 64, each post-quantum.
// When Admit returns, the file is on the disk and under the head. An epoch takes
// 4,096 such files.
//
// Admit needs a Config with KeepSecret. The error wraps ErrNoEpoch if no epoch is
// current or its secret was not kept, and ErrClassic if a key is not
// post-quantum. If the error wraps ErrUnlogged, the reader is admitted, and the
// next step of the Writer logs the file, as with StartEpoch.
func (w *Writer) Admit(reader []age.Recipient) error {
	w.mu.Lock()
	before := w.log.underHead
	err := w.admitLocked(reader)
	changed := w.log.underHead != before
	w.mu.Unlock()
	if changed {
		w.config.Changed()
	}
	if err != nil {
		return fmt.Errorf("could not admit a reader: %w", err)
	}
	w.config.Log.Info("reader admitted", "id", w.id, "epoch", w.epoch)
	return nil
}

func (w *Writer) admitLocked(reader []age.Recipient) error {
	if w.lock == nil {
		return fs.ErrClosed
	}
	if w.secret == nil {
		return ErrNoEpoch
	}
	if w.late == maxLateFiles || w.log.size()+int64(len(w.open)) >= MaxObjects {
		return errors.New("the epoch is full")
	}
	sealed, err := sealLate(w.secret.String()+"\n", reader)
	if err != nil {
		return err
	}
	name := logged{kind: Epoch, number: w.epoch, late: w.late + 1}
	if err := w.publish(name.String(), sealed); err != nil {
		return err
	}
	w.late++
	if err := w.log.catchUp(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnlogged, err)
	}
	return nil
}
