// An entry that can make imports believe that the slots of their schedules were handled an hour earlier: the clock of
// the runtime cannot be set.

/** The object can be told that the last slot that it has seen to was that of an hour before. */
export const BACKWARD = `
  import worker, { Import as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  export class Import {
    constructor(state, env) {
      this.storage = state.storage;
      this.own = new Own(state, env);
    }
    async fetch(request) {
      if (new URL(request.url).pathname !== "/backward") return this.own.fetch(request);
      this.storage.sql.exec("UPDATE slots SET seen = seen - 3600000");
      return Response.json({});
    }
    alarm() {
      return this.own.alarm();
    }
  }
`;
