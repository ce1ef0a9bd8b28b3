// Package bot records one meeting from the room to the store.
package bot
