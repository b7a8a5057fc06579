/** Where an agent of root gives tracers. Fixed, not configurable: a name from the environment could be a stranger's. */
export const TRACER_SOCKET = "/run/foregone-tracer/tracer.sock";
