// The clock of the worker, which the runtime does not let anybody set: an entry in front of the worker's own can shift
// JavaScript's time, and alarms with it.

/** `/shift?ms=…` at the object that runs imports shifts it for all objects, which share the isolate. */
export const SHIFTING = `
  const Real = globalThis.Date;
  let shift = 0;
  globalThis.Date = class Date extends Real {
    constructor(...given) {
      if (given.length > 0) super(...given);
      else super(Real.now() + shift);
    }
    static now() {
      return Real.now() + shift;
    }
  };
  import worker, { Import as Own, Outbox, Watch, Feed } from "./index.js";
  const follow = (storage) => {
    const prototype = Object.getPrototypeOf(storage);
    if (Object.hasOwn(prototype, "followsShift")) return;
    const { setAlarm, getAlarm } = prototype;
    prototype.followsShift = true;
    prototype.setAlarm = function (at, ...rest) {
      return setAlarm.call(this, Number(at) - shift, ...rest);
    };
    prototype.getAlarm = async function (...rest) {
      const at = await getAlarm.call(this, ...rest);
      return at === null ? null : at + shift;
    };
  };
  export default worker;
  export { Outbox, Watch, Feed };
  export class Import {
    constructor(state, env) {
      follow(state.storage);
      this.own = new Own(state, env);
    }
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname !== "/shift") return this.own.fetch(request);
      shift = Number(searchParams.get("ms"));
      return Response.json({ now: Date.now() });
    }
    alarm() {
      return this.own.alarm();
    }
  }
`;

/** Moves the clock of the worker of a stack; a kill puts it right again. */
export async function shiftWorker({ worker, clock }, ms) {
  clock.workerMs += ms;
  await worker.object("IMPORT", "import", `/shift?ms=${clock.workerMs}`);
}
