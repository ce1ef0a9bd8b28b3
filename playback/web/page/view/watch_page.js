/** A recording as it is watched: a player, and views that show it. */
import { mediaSource } from "../engine/media_buffer.js";
import { Player } from "../engine/player.js";
import { Recording } from "../engine/recording.js";
import { Trouble } from "../engine/source.js";
import { followAddress, moment, rangeIn } from "./address.js";
import { Captions } from "./captions.js";
import { Controls } from "./controls.js";
import { storedMode } from "./controls/layout.js";
import { startButton } from "./controls/start.js";
import { byID } from "./dom.js";
import { showFailure, showOldBrowser } from "./failure.js";
import { Heading } from "./heading.js";
import { listenToKeys } from "./keyboard.js";
import { Lanes } from "./lanes.js";
import { LinkQuestion } from "./link_question.js";
import { MediaSession } from "./media_session.js";
import { Narrator } from "./narrator.js";
import { Panel } from "./panel.js";
import { Popover } from "./popover.js";
import { Range } from "./range.js";
import { stored } from "./settings.js";
import { Stage } from "./stage.js";
import { Theatre } from "./theatre.js";
import { Transcripts } from "./transcripts.js";
import { WakeLock } from "./wake_lock.js";

/**
 * watch shows a recording, from the moment on that the address names. It returns what
 * it plays; null if it cannot be played, which it shows.
 * @param {import("../engine/source.js").Source} source
 * @param {string} id
 * @param {Recording["claimants"]} [claimants] who may have recorded it, as others say
 * @param {() => Promise<boolean>} [another] asks for another key, where none opens it, and says
 *     whether there is one
 * @param {() => void} [again] tries again, where it could not be opened; the page is loaded anew without it
 */
export async function watch(source, id, claimants = [], another = async () => false, again = undefined) {
	if (!mediaSource()) {
		showOldBrowser();
		return null;
	}
	let recording;
	while (!recording) {
		try {
			recording = new Recording(await source.recording(id));
			if (claimants.length) recording.claimants = claimants;
		} catch (err) {
			if (!(err instanceof Trouble)) throw err;
			if (err.kind === "locked" && await another()) continue;
			showFailure(err, again);
			return null;
		}
	}
	const player = new Player({ recording, source, at: moment(location.hash) ?? 0 });
	document.body.classList.remove("loading");
	open(player);
	return { player, recording };
}

/** @param {Player} player */
function open(player) {
	const popover = new Popover(), theatre = byID("theatre"), stageRoot = byID("stage");
	const range = new Range(player);
	player.levelled = stored("level", "1") === "1";
	new Heading(player, popover);
	const stage = new Stage(stageRoot, player, popover, storedMode());
	const transcripts = new Transcripts(player), captions = new Captions(player, transcripts);
	const controls = new Controls(byID("controls"), player, stage, theatre, stageRoot, range, popover, captions);
	const toggle = () => controls.play.toggle();
	stageRoot.append(captions.node, startButton(player, toggle));
	new Theatre(theatre, stageRoot, player, toggle);
	new Lanes(byID("lanes"), player);
	const panel = new Panel(byID("panel"), player, transcripts);
	listenToKeys(player, controls, panel.feed);
	new Narrator(player);
	new LinkQuestion(player.over);
	new MediaSession(player);
	new WakeLock(player);
	range.span = rangeIn(location.hash);
	followAddress(player, range);
}
