// What an answer means, in words.

import type { Answer } from './api';

export interface Meaning {
  kind: 'good' | 'refused' | 'trouble';
  title: string;
  text: string;
}

/** Why a valid token is refused, by the authorizer's reason. */
const REASONS: Record<string, string> = {
  insufficient_scope: 'Your token is valid. It lacks the scope that this route asks for.',
  claim_mismatch: 'Your token is valid. One of its claims has another value than this route asks for.',
  missing_claim: 'Your token lacks a claim that the API asks for.',
  expired: 'Your token has expired.',
};

export function meaning({ status, document, signedIn }: Answer): Meaning {
  const message = typeof document['message'] === 'string' ? document['message'] : '';
  if (status >= 200 && status < 300) return { kind: 'good', title: status === 201 ? 'Added' : 'Allowed', text: '' };
  switch (status) {
    case 0:
      return { kind: 'trouble', title: 'No answer', text: 'The API cannot be reached, or its answer has no CORS headers for this page.' };
    case 401:
      return signedIn
        ? { kind: 'refused', title: 'Not accepted', text: 'The API does not accept this token. Sign in again.' }
        : { kind: 'refused', title: 'Who are you?', text: 'The request had no token. Sign in first.' };
    case 403: {
      const reason = String(document['reason'] ?? '');
      const text = REASONS[reason] ?? (reason ? `The authorizer's reason is ${reason}.` : 'Your token is valid. This route is not among what it allows.');
      return { kind: 'refused', title: 'You may not', text };
    }
    case 500:
      return message === 'Internal server error' || !message
        ? { kind: 'trouble', title: 'Not decided', text: 'The authorizer could not decide, perhaps because the keys of the provider cannot be fetched. Nobody was refused: try again.' }
        : { kind: 'trouble', title: 'Not decided', text: message };
    default:
      return { kind: status < 500 ? 'refused' : 'trouble', title: status === 409 ? 'Too late' : 'Not done', text: message };
  }
}
