/** The worker that runs the program. Nothing of it is here yet. */
onmessage = () => {};
