// A request to an API, with the token of who is signed in.

import type { Refreshed, Session } from './session';

export interface Answer {
  /** 0 if there was no answer that this page may read. */
  status: number;
  /** The document, if the body is JSON. */
  document: Record<string, unknown>;
  text: string;
  challenge: string | null;
  /** Whether a token went with the request. */
  signedIn: boolean;
}

/** What is told while a request is on its way. */
export interface Reports {
  refreshed(outcome: Refreshed): void;
  answered(method: string, path: string, answer: Answer): void;
}

/** Asks an API. An expired or refused token is refreshed, once, and the request is sent again. */
export async function call(
  session: Session, reports: Reports, api: string, method: string, path: string, body?: unknown,
): Promise<Answer> {
  const renewed = async () => {
    if (!session.automatic || !session.canRefresh) return false;
    const outcome = await session.refresh();
    reports.refreshed(outcome);
    return outcome === 'refreshed';
  };
  const sent = async () => {
    const answer = await send(session.token, api, method, path, body);
    reports.answered(method, path, answer);
    return answer;
  };
  if (session.token && session.isOld) await renewed();
  const answer = await sent();
  return isTokenRefused(answer) && await renewed() ? await sent() : answer;
}

/** Whether a token was refused as such. Where invalid tokens get a 403, its body has the code. */
function isTokenRefused(answer: Answer): boolean {
  return answer.signedIn && (answer.status === 401 || (answer.status === 403 && answer.document['error'] === 'invalid_token'));
}

async function send(token: string | undefined, api: string, method: string, path: string, body: unknown): Promise<Answer> {
  const signedIn = token !== undefined;
  const headers: Record<string, string> = {};
  if (signedIn) headers['Authorization'] = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    const response = await fetch(api + path, {
      method, headers, cache: 'no-store', credentials: 'omit', ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, document: document(text), text, challenge: response.headers.get('WWW-Authenticate'), signedIn };
  } catch {
    return { status: 0, document: {}, text: '', challenge: null, signedIn };
  }
}

function document(text: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text);
    return read !== null && typeof read === 'object' && !Array.isArray(read) ? read as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
