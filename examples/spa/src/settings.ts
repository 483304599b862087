// Where the provider and the APIs are. The app fetches it from beside itself, so that one build runs everywhere.

export interface Settings {
  /** The provider's `iss`, from which its addresses are discovered. */
  issuer: string;
  clientId: string;
  /** What is asked for at sign-in: `openid`, and `offline_access` for a refresh token where the provider wants that. */
  scope: string;
  /** More parameters of the sign-in, such as Auth0's `audience`. */
  parameters: Record<string, string>;
  /** The address of each API, with its stage. A story whose API is absent is not shown. */
  apis: { movies?: string; pets?: string };
  /** A page that shows how requests were decided, if there is one. */
  inspector?: string;
}

export async function settings(): Promise<Settings> {
  const response = await fetch('settings.json', { cache: 'no-store' });
  if (!response.ok) throw new Error(`settings.json: ${response.status}`);
  const read = await response.json();
  for (const name of ['issuer', 'clientId', 'scope']) {
    if (typeof read[name] !== 'string' || !read[name]) throw new Error(`settings.json: ${name} is missing`);
  }
  if (!read.apis?.movies && !read.apis?.pets) throw new Error('settings.json: apis names no API');
  return { parameters: {}, ...read };
}
